"""Backbones: pretrained image networks with preprocessing and named feature maps."""

from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.feature_maps import FeatureInfo
from keras_crosspool.backbones.registry import create_backbone, list_backbones

__all__ = ["Backbone", "FeatureInfo", "create_backbone", "list_backbones"]
