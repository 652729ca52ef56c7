"""Closed-form solvers: no gradient, seconds on a CPU, written into the layers."""

from keras_crosspool.solvers.classifier import LinearClassifier, solve_classifier
from keras_crosspool.solvers.pca import StreamingPCA

__all__ = ["LinearClassifier", "StreamingPCA", "solve_classifier"]
