"""Fine-tuning by `model.fit`, on any number of devices, with exact resume from any step.

A solved model and splits come in; the tuned weights go into the model. Start at `fine_tune.py`.
For one more thing that watches the training add a callback to `callbacks/`.
"""
