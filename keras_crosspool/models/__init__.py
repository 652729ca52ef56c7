"""Classifiers: a backbone, the descriptors of branches and a linear layer, one functional model.

`CrossPoolClassifier` is the model; its branches are objects that know their layers. For one more
branch see `branches.py`, for one more scheme `schemes.py`.
"""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.directory import load, load_model, save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.zoo import build_model

__all__ = [
    "CrossPoolClassifier",
    "ModelMetadata",
    "build_model",
    "load",
    "load_model",
    "save_model",
]
