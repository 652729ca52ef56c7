"""Runs a graph operator by operator and rounds everything to float16."""

import abc

import numpy as np

from keras_crosspool.exporting.float16.value_ranges import LEAST, ValueRanges
from keras_crosspool.exporting.runner import Runner


class Float16Runner(Runner):
    """Emulates a runtime that computes in float16, on the artefact's own graph and kernels.

    The image, the weights and the result of every operator are rounded to the nearest float16, to
    infinity from 65520 on. Results below `2**-14` become zero, since many GPUs compute without
    subnormal numbers; weights keep theirs, as they are only stored. Within an operator the
    artefact's own runtime computes in float32, also the sums; a GPU that adds up in float16 loses
    more. Integers stay as they are, so of an int8 file only the operators in float are emulated.

    A subclass writes `_load`.

    Args:
        name: str, how tables call it.

    Attributes:
        computed: `ValueRanges` of what the operators computed, before it was rounded.
        constants: `ValueRanges` of their constants and what is computed of them alone, likewise.
    """

    def __init__(self, name):
        super().__init__(name)
        self.computed, self.constants = ValueRanges(), ValueRanges()

    @abc.abstractmethod
    def _load(self):
        """Reads the graph, and sets `batch_size`.

        Returns:
            the input tensor, the output tensor, and a list of `Operator` in order.
        """

    def _open(self):
        self._input, self._output, operators = self._load()
        self._folded, self._operators = {}, []
        for operator in operators:
            for constant in operator.constants:
                self.constants.add(operator.name, constant)
            if set(operator.inputs) - set(self._folded):
                self._operators.append(operator)
                continue
            for name, array in _compute(operator, self._folded):
                self.constants.add(operator.name, array)
                self._folded[name] = to_float16(array)
        self._last_use = {name: each for each in self._operators for name in each.inputs}

    def _close(self):
        self._folded = self._operators = self._last_use = None

    def _infer(self, batch):
        values = {**self._folded, self._input: to_float16(batch)}
        for operator in self._operators:
            for name, array in _compute(operator, values):
                self.computed.add(operator.name, array)
                values[name] = flush(to_float16(array))
            for name in set(operator.inputs):
                if self._last_use[name] is operator and name != self._output:
                    del values[name]
        return values[self._output].astype("float32", copy=False)

    def _refuse_branches(self, found):
        """Refuses a graph with graphs in it, of which this one finds some, by name."""
        if found:
            raise ValueError(
                "Float16 arithmetic is emulated operator by operator, which takes a graph without "
                "loops and branches; `parity=off` writes the file unproven. "
                f"Received: {', '.join(sorted(found))}"
            )


def _compute(operator, values):
    """Pairs of the name and the array of each tensor that an operator makes of the values."""
    computed = operator.run([values[name] for name in operator.inputs])
    return zip(operator.outputs, map(np.asarray, computed), strict=True)


def to_float16(array):
    """Rounds floats to float16; they keep their type.

    Args:
        array: array of any type; one of integers comes back as it is.

    Example:

    >>> to_float16(np.array([1 / 3, 7e4], "float32")).tolist()
    [0.333251953125, inf]
    """
    if not np.issubdtype(array.dtype, np.floating):
        return array
    with np.errstate(over="ignore"):
        return array.astype("float16").astype(array.dtype)


def flush(array):
    """Sets what is below the normal numbers of float16 to zero, in place, and gives it back."""
    if np.issubdtype(array.dtype, np.floating):
        array[np.abs(array) < LEAST] = 0
    return array
