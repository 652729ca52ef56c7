"""What the table does not show of any network, or of most."""

from benchmarks.zoo.network_row import BUILT_NOT_RUN, NOT_TRIED

_RANDOM = {
    "network": "all but EfficientNetLite0 to 2",
    "check": "trained weights",
    "verdict": NOT_TRIED,
    "reason": "Keras downloads them when they are first used, and the table is made without a "
    "network. Trained activations have other ranges than those of random weights, so int8 has to "
    "be compared once more on the trained model, as every export does.",
}
_SIZES = {
    "network": "all",
    "check": "other image sizes and schemes",
    "verdict": NOT_TRIED,
    "reason": "one size a network, one head: scheme 1 of 32 x 32 channels.",
}
_ENGINES = {
    "network": "all",
    "check": "tensorrt",
    "verdict": BUILT_NOT_RUN,
    "reason": "without a GPU an engine is built and not run; the graph that it was built from is "
    "compared on ONNX Runtime.",
}


def exclusions(rows):
    """What no row, or hardly one, says: list of dicts, as the table of reasons shows them.

    Args:
        rows: list of `NetworkRow`.
    """
    engines = any(cell.verdict == BUILT_NOT_RUN for row in rows for cell in row.cells.values())
    return [_RANDOM, _SIZES, *([_ENGINES] if engines else [])]
