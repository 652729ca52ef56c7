"""Backbones: pretrained image networks with preprocessing and named feature maps."""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.feature_maps import FeatureInfo
from keras_crosspool.backbones.registry import create_backbone, list_backbones

__all__ = ["Backbone", "FeatureInfo", "create_backbone", "list_backbones"]
