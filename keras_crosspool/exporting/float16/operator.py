"""One operator of an artefact's graph."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, eq=False)
class Operator:
    """One operator of an artefact's graph, which the artefact's own runtime runs.

    Attributes:
        name: str, how records call it.
        inputs: tuple of the tensors that it reads, constants of the file left out.
        outputs: tuple of the tensors that it makes.
        run: function from a list of the inputs' arrays to a list of the outputs' arrays; it holds
            the constants, rounded.
        constants: tuple of arrays, its constants as the file has them.
    """

    name: str
    inputs: tuple
    outputs: tuple
    run: Callable
    constants: tuple
