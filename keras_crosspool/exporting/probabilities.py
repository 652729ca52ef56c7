"""Checks of scores: that there are some, and that probabilities are those of the logits."""

import numpy as np

from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.targets import TARGETS

_IMAGES = 4
_TOLERANCE = 1 / 256  # a step of int8


def check_scores(source, scores):
    """Refuses a choice of scores for a file that gives none.

    Args:
        source: `Source`.
        scores: str, `"probabilities"` or `"logits"`.

    Raises:
        ValueError: if logits are asked of an embedder.
    """
    if source.is_embedder and scores == "logits":
        raise ValueError(
            "An embedder gives the descriptor and no scores: leave one of the two out. Received: "
            "`descriptor` with `scores=logits`"
        )


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
