"""Closed-form solvers: no gradient, seconds on a CPU, written into the layers."""

from keras_crosspool.solvers.branch import Branch
from keras_crosspool.solvers.classifier import (
    LinearClassifier,
    cross_validation_folds,
    solve_branches,
    solve_classifier,
)
from keras_crosspool.solvers.pca import StreamingPCA

__all__ = [
    "Branch",
    "LinearClassifier",
    "StreamingPCA",
    "cross_validation_folds",
    "solve_branches",
    "solve_classifier",
]
