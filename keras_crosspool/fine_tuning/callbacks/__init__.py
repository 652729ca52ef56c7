"""What watches a fit: checkpoints, early stopping that resumes, finite losses, throughput.

Each callback gets the epochs, steps and logs of `model.fit`; it writes files, stops the training or
keeps figures. For one more callback write a module here and add it in `fine_tune.py`.
"""
