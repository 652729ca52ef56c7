"""The magnitudes that a graph holds and computes, against the range of float16."""

import numpy as np

LEAST, MOST = (float(getattr(np.finfo("float16"), name)) for name in ("tiny", "max"))


class ValueRanges:
    """Collects magnitudes by operator, and tells which operator comes closest to the limits.

    Example:

    >>> ranges = ValueRanges()
    >>> ranges.add("product", np.array([3e-3, 0.0, -2e4]))
    >>> ranges.add("square", np.array([9e-6, 0.0, 4e8]))
    >>> ranges.to_dict()["largest"]
    {'value': 400000000.0, 'operator': 'square'}
    >>> print(ranges)
    4.0e+08 at square is the largest value, and no value of product is over 2.0e+04
    """

    def __init__(self):
        self._operators = {}
        self._overflowed = 0

    def add(self, operator, values):
        """Takes in the values of an operator; integers and what is not finite do not count.

        Args:
            operator: str.
            values: array.
        """
        if not np.issubdtype(values.dtype, np.floating):
            return
        magnitudes = np.abs(values)
        magnitudes = magnitudes[(magnitudes > 0) & (magnitudes < np.inf)]
        if not magnitudes.size:
            return
        self._overflowed += int(np.sum(magnitudes > MOST))
        smallest, largest = self._operators.get(operator, (np.inf, 0.0))
        self._operators[operator] = (
            min(smallest, float(magnitudes.min())),
            max(largest, float(magnitudes.max())),
        )

    def to_dict(self):
        """The ranges as plain data for a record.

        Returns:
            dict with the `largest` magnitude, the `smallest` one that is not zero and the
            `faintest`, which is the least of the operators' largest, each a dict of `value` and
            `operator`, and `overflowed`, how many values lay beyond float16; empty where nothing
            was added.
        """
        if not self._operators:
            return {}
        smallest = {name: least for name, (least, _) in self._operators.items()}
        largest = {name: most for name, (_, most) in self._operators.items()}
        return {
            "largest": _extreme(max, largest),
            "smallest": _extreme(min, smallest),
            "faintest": _extreme(min, largest),
            "overflowed": self._overflowed,
        }

    def __str__(self):
        if not self._operators:
            return "there is none"
        largest, faintest = (self.to_dict()[key] for key in ("largest", "faintest"))
        return (
            f"{largest['value']:.1e} at {largest['operator']} is the largest value, and no value "
            f"of {faintest['operator']} is over {faintest['value']:.1e}"
        )


def _extreme(choose, values):
    operator = choose(values, key=values.get)
    return {"value": values[operator], "operator": operator}
