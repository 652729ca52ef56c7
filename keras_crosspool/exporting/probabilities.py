"""The check that an artefact's probabilities are those of its own logits."""

import numpy as np

from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.targets import TARGETS

_IMAGES = 4
_TOLERANCE = 1 / 256  # a step of int8


def check_probabilities(runner, logits_runner, task, comparator):
    """Compares the probabilities of a finished artefact with those of its logits.

    Args:
        runner: an open `Runner` of the artefact, `(n, height, width, 3)` to `(n, classes)`.
        logits_runner: an open `Runner` of the same artefact up to its logits, likewise.
        task: str, key of `keras_crosspool.targets.TARGETS`.
        comparator: `Comparator`, whose first images are taken.

    Returns:
        dict for the record: `max_abs`, the largest difference.

    Raises:
        ParityError: if they are not the same.
    """
    pixels = comparator.images.pixels[:_IMAGES]
    found, logits = runner.run(pixels), logits_runner.run(pixels)
    difference = float(np.abs(found - TARGETS[task].probabilities(logits)).max())
    # Logits that are no numbers are refused by the comparison with Keras, in words of their own.
    if np.isfinite(logits).all() and not difference <= _TOLERANCE:
        raise ParityError(
            "The last operator does not give the probabilities of the logits, so nothing was "
            f"written: they differ by {difference:.5f}, at most {_TOLERANCE} allowed."
        )
    return {"max_abs": difference}
