"""Closed-form solvers: no gradient, seconds on a CPU, written into the layers."""

from keras_crosspool.solvers.branch import Branch
from keras_crosspool.solvers.classifier import (
    LinearClassifier,
    cross_validation_folds,
    solve_branches,
    solve_classifier,
)
from keras_crosspool.solvers.options import SOLVER_FORMS, SolverOptions
from keras_crosspool.solvers.pca import StreamingPCA
from keras_crosspool.solvers.plan import Plan, ProblemSize
from keras_crosspool.solvers.projection import project, random_projection
from keras_crosspool.solvers.streaming_ridge import StreamingRidge

__all__ = [
    "SOLVER_FORMS",
    "Branch",
    "LinearClassifier",
    "Plan",
    "ProblemSize",
    "SolverOptions",
    "StreamingPCA",
    "StreamingRidge",
    "cross_validation_folds",
    "project",
    "random_projection",
    "solve_branches",
    "solve_classifier",
]
