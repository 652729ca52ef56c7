"""The closed-form fit: it solves a classifier without gradients, in seconds on a CPU.

Labelled images and a model come in. The projections, the guidance and the calibrated classifier go
into the layers of the model; the scores of cross-validation come out. Start at `fit.py`. For one
more method touch `methods.py`; for one more form in which a problem is solved, `options.py` and
`plan.py`.
"""
