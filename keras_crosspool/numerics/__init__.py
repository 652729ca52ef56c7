"""Numerics: PCA, ridge, SVM, projections, calibration and folds, on NumPy arrays alone.

Arrays come in, arrays go out; nothing here knows Keras, files or workers. Statistics that are added
up batch by batch (`StreamingPCA`, `StreamingRidge`) take a function `all_reduce` where several
workers add up theirs. For one more method write a module here and a row in
`closed_form/methods.py`.
"""
