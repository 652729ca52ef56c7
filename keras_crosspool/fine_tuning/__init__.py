"""Fine-tuning by `model.fit`, on any number of devices, with exact resume from any step.

A solved model and splits come in; weights between those of before and the tuned ones go into the
model, and the history comes out.
Start at `fine_tune.py`. For one more object that watches the training add a callback to
`callbacks/`; for one more option touch `FineTuningConfig` in `fine_tune.py`.
"""
