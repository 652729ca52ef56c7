"""The closed-form fit: no gradient, seconds on a CPU, written into the layers of a model.

Labelled images and a model come in; projections, guidance and the calibrated classifier go into
the model, and what cross-validation said comes out. Start at `fit.py`. For one more method touch
`methods.py`; for one more form in which a problem is solved, `options.py` and `plan.py`.
"""
