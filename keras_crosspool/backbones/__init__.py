"""Backbones: pretrained image networks with preprocessing and named feature maps.

A name and an image size come in; a `Backbone` goes out: a model that takes RGB images in 0-255, and
the list of its feature maps. `registry.py` finds a backbone by its name. `applications.py` knows
the networks of Keras Applications, `efficientnet_lite.py` those that Keras lacks. A new network of
Keras is found by itself; touch its sizes in `applications.py`. For any other network write a module
beside `efficientnet_lite.py` that lists its `Entry`, and add it in `registry.py`.
"""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.feature_maps import FeatureInfo
from keras_crosspool.backbones.registry import create_backbone, list_backbones

__all__ = ["Backbone", "FeatureInfo", "create_backbone", "list_backbones"]
