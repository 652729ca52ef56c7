"""What the registry knows of a backbone before it is built."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Entry:
    """How to build one network.

    Args:
        name: canonical name.
        build: function of `image_size` and `weights` (`"imagenet"`, a file's path, or `None` for
            random weights) that gives a functional `keras.Model`, preprocessing included.
        default_size: side in pixels the network was trained at.
        minimum_size: smallest side it can be built for.
    """

    name: str
    build: Callable
    default_size: int
    minimum_size: int
