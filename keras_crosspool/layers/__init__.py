"""The layers of cross-convolutional-layer pooling, written in `keras.ops` for every backend.

Feature maps or images come in; descriptors or maps of regions go out. For one more layer write a
module here, register the class with Keras, and name it below and in `keras_crosspool/__init__.py`.
One that pools maps derives from `MapPooling`; `tests/second_order_layers.py` lists those that are
tried for what all of them promise. The second-order family is imported when it is first used, or
when a saved model holds one of its layers.
"""

import importlib
import typing

import keras  # before our modules: see keras_crosspool/__init__.py

from keras_crosspool.layers.cross_layer_pooling import CrossLayerPooling
from keras_crosspool.layers.guidance_selection import GuidanceSelection
from keras_crosspool.layers.local_regions import LocalRegions
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.layers.signed_square_root import SignedSquareRoot

if typing.TYPE_CHECKING:
    from keras_crosspool.layers.compact_bilinear_pooling import CompactBilinearPooling
    from keras_crosspool.layers.covariance_pooling import CovariancePooling
    from keras_crosspool.layers.democratic_pooling import DemocraticPooling
    from keras_crosspool.layers.hierarchical_bilinear_pooling import HierarchicalBilinearPooling
    from keras_crosspool.layers.matrix_root_pooling import MatrixRootPooling
    from keras_crosspool.layers.projected_covariance_pooling import ProjectedCovariancePooling

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

_SECOND_ORDER = {
    "CompactBilinearPooling": "compact_bilinear_pooling",
    "CovariancePooling": "covariance_pooling",
    "DemocraticPooling": "democratic_pooling",
    "HierarchicalBilinearPooling": "hierarchical_bilinear_pooling",
    "MatrixRootPooling": "matrix_root_pooling",
    "ProjectedCovariancePooling": "projected_covariance_pooling",
}


class _NotImportedYet:
    """Stands for a class in Keras' registry until its module is imported and registers it."""

    def __init__(self, name):
        self._name = name

    def from_config(self, config):
        return __getattr__(self._name).from_config(config)


def __getattr__(name):
    """Imports a layer of the second-order family when it is first used."""
    if name not in _SECOND_ORDER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_SECOND_ORDER[name]}"), name)


for _name in _SECOND_ORDER:
    keras.saving.get_custom_objects().setdefault(f"keras_crosspool>{_name}", _NotImportedYet(_name))
