"""Classifiers: a backbone, the descriptors of branches and a linear layer, one functional model.

`CrossPoolClassifier` is the model; its branches are objects that know their layers. For one more
branch see `branches.py`, for one more scheme `schemes.py`.
"""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.models.classifier import CrossPoolClassifier

__all__ = ["CrossPoolClassifier"]
