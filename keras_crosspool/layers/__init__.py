"""The layers of cross-convolutional-layer pooling, written in `keras.ops` for every backend.

Feature maps or images come in; descriptors or maps of regions go out. For one more layer write a
module here, register the class with Keras, and name it below and in `keras_crosspool/__init__.py`.
One that pools maps derives from `MapPooling`; `tests/second_order_layers.py` lists those that are
tried for what all of them promise.
"""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.layers.compact_bilinear_pooling import CompactBilinearPooling
from keras_crosspool.layers.covariance_pooling import CovariancePooling
from keras_crosspool.layers.cross_layer_pooling import CrossLayerPooling
from keras_crosspool.layers.democratic_pooling import DemocraticPooling
from keras_crosspool.layers.guidance_selection import GuidanceSelection
from keras_crosspool.layers.hierarchical_bilinear_pooling import HierarchicalBilinearPooling
from keras_crosspool.layers.local_regions import LocalRegions
from keras_crosspool.layers.matrix_root_pooling import MatrixRootPooling
from keras_crosspool.layers.projected_covariance_pooling import ProjectedCovariancePooling
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.layers.signed_square_root import SignedSquareRoot

__all__ = [
    "CompactBilinearPooling",
    "CovariancePooling",
    "CrossLayerPooling",
    "DemocraticPooling",
    "GuidanceSelection",
    "HierarchicalBilinearPooling",
    "LocalRegions",
    "MatrixRootPooling",
    "ProjectedCovariancePooling",
    "RegionGrid",
    "SignedSquareRoot",
]
