"""Whole numbers as users give them: Python's, or NumPy's from a computation."""

import operator


def whole_number(name, value, least=None):
    """Checks an argument that is a whole number.

    Args:
        name: str, of the argument.
        value: what was given: any integer type, but no bool.
        least: int, the least value. Defaults to any.

    Returns:
        int, as Keras and JSON take it.

    Raises:
        ValueError: if it is no whole number, or a smaller one.

    Example:

    >>> whole_number("units", np.int64(64), least=1)
    64
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or (least is not None and number < least):
        expected = "a whole number" if least is None else f"a whole number from {least}"
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return number
