"""Cross-convolutional-layer pooling for Keras 3.

Importing this package does not import Keras, so that commands answer `--help` at once and the
runtimes of exported files can be timed without Keras beside them. Its public names are imported
when they are first used. The layers and the model are registered with Keras as soon as Keras is
imported, so that `keras.saving.load_model` reads models that contain them.
"""

import importlib
import typing

import wrapt

if typing.TYPE_CHECKING:
    from keras_crosspool import backbones
    from keras_crosspool.audit.api import audit_images
    from keras_crosspool.closed_form.compress import compress
    from keras_crosspool.closed_form.pair_search import search_pairs
    from keras_crosspool.exporting.api import export
    from keras_crosspool.fine_tuning.tune import tune
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
    from keras_crosspool.models.classifier import CrossPoolClassifier
    from keras_crosspool.models.directory import load, load_model
    from keras_crosspool.models.presets import create_model, list_models
    from keras_crosspool.models.zoo import build_model
    from keras_crosspool.report.api import report_model

__version__ = "0.1.0"
__all__ = [
    "CompactBilinearPooling",
    "CovariancePooling",
    "CrossLayerPooling",
    "CrossPoolClassifier",
    "DemocraticPooling",
    "GuidanceSelection",
    "HierarchicalBilinearPooling",
    "LocalRegions",
    "MatrixRootPooling",
    "ProjectedCovariancePooling",
    "RegionGrid",
    "SignedSquareRoot",
    "audit_images",
    "backbones",
    "build_model",
    "compress",
    "create_model",
    "export",
    "list_models",
    "load",
    "load_model",
    "report_model",
    "search_pairs",
    "tune",
]

_HOMES = {
    "CompactBilinearPooling": "keras_crosspool.layers",
    "CovariancePooling": "keras_crosspool.layers",
    "CrossLayerPooling": "keras_crosspool.layers.cross_layer_pooling",
    "CrossPoolClassifier": "keras_crosspool.models.classifier",
    "DemocraticPooling": "keras_crosspool.layers",
    "GuidanceSelection": "keras_crosspool.layers.guidance_selection",
    "HierarchicalBilinearPooling": "keras_crosspool.layers",
    "LocalRegions": "keras_crosspool.layers.local_regions",
    "MatrixRootPooling": "keras_crosspool.layers",
    "ProjectedCovariancePooling": "keras_crosspool.layers",
    "RegionGrid": "keras_crosspool.layers.region_grid",
    "SignedSquareRoot": "keras_crosspool.layers.signed_square_root",
    "audit_images": "keras_crosspool.audit.api",
    "build_model": "keras_crosspool.models.zoo",
    "compress": "keras_crosspool.closed_form.compress",
    "create_model": "keras_crosspool.models.presets",
    "export": "keras_crosspool.exporting.api",
    "list_models": "keras_crosspool.models.presets",
    "load": "keras_crosspool.models.directory",
    "load_model": "keras_crosspool.models.directory",
    "report_model": "keras_crosspool.report.api",
    "search_pairs": "keras_crosspool.closed_form.pair_search",
    "tune": "keras_crosspool.fine_tuning.tune",
}


@wrapt.when_imported("keras")
def _register(keras):
    """Registers what saved models contain."""
    importlib.import_module("keras_crosspool.models.classifier")


def __getattr__(name):
    """Imports a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_crosspool.environment import check_installed

    check_installed("keras")
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        value = importlib.import_module(f"{__name__}.{name}")
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
