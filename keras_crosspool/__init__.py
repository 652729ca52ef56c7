"""Cross-convolutional-layer pooling for Keras 3."""

from keras_crosspool import backbones
from keras_crosspool.layers import (
    CrossLayerPooling,
    GuidanceSelection,
    LocalRegions,
    RegionGrid,
    SignedSquareRoot,
)
from keras_crosspool.models import build_model, load_model

__all__ = [
    "CrossLayerPooling",
    "GuidanceSelection",
    "LocalRegions",
    "RegionGrid",
    "SignedSquareRoot",
    "backbones",
    "build_model",
    "load_model",
]
__version__ = "0.1.0"
