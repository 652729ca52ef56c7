"""A training run: solve, fine-tune, solve again, validate, and write the model directory.

`train.py` is the run, `report.py` what is written beside the model.
"""
