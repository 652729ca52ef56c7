"""Cross-convolutional-layer pooling for Keras 3."""

from keras_crosspool.environment import keras_problem

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

_problem = keras_problem()
if _problem is None:
    from keras_crosspool import backbones
    from keras_crosspool.layers import (
        CrossLayerPooling,
        GuidanceSelection,
        LocalRegions,
        RegionGrid,
        SignedSquareRoot,
    )
    from keras_crosspool.models import build_model, load_model


def __getattr__(name):
    """Names what is missing; the package itself is imported, so that its commands can say so."""
    if _problem is not None and name in __all__:
        raise ImportError(_problem)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
