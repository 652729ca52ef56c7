"""Zoo models: a backbone, a descriptor and a linear classifier in one functional Keras model."""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.models.directory import load_model, save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.zoo import build_model

__all__ = ["ModelMetadata", "build_model", "load_model", "save_model"]
