"""Comparator: shows the same real pictures to the Keras model and to an artefact."""

import dataclasses
import functools

import numpy as np

from export.parity_result import TOLERANCES, ParityResult
from export.runners.keras_runner import KerasRunner

REFERENCE_BATCH = 16
_MINIMUM_PICTURES = 8


class ParityError(RuntimeError):
    """An artefact is not the Keras model any more; nothing was written."""


class Comparator:
    """Holds pictures and the reference's logits, and compares candidates with them.

    Args:
        pictures: `Pictures`, the same for every candidate.
        model: `keras.Model`, the reference; it runs once, when first needed.
        thresholds: float `(classes,)`, of a multi-label model. Defaults to one half each.

    Raises:
        ValueError: if the pictures are too few to say anything.

    Example:

    >>> comparator = Comparator(pictures, model)  # doctest: +SKIP
    >>> with LiteRTRunner("model.tflite") as runner:  # doctest: +SKIP
    ...     result = comparator.compare(runner, "float16")
    >>> bool(result), result.failures  # doctest: +SKIP
    (True, ())
    """

    def __init__(self, pictures, model, thresholds=None):
        if len(pictures.pixels) < _MINIMUM_PICTURES:
            raise ValueError(
                f"Parity needs at least {_MINIMUM_PICTURES} pictures; raise --parity_pictures or "
                f"choose a larger --parity_split. Received: {len(pictures.pixels)}"
            )
        self.pictures = pictures
        self._model = model
        self._thresholds = thresholds

    @functools.cached_property
    def reference(self):
        """The reference's logits, `(n, classes)`."""
        with KerasRunner(self._model) as runner:
            return _run_in_batches(runner, self.pictures.pixels, REFERENCE_BATCH)

    def compare(self, runner, precision):
        """Compares an open runner with the reference.

        A candidate that takes any batch is run with batches of one and of several pictures, and
        has to pass with both.

        Args:
            runner: an open `Runner`.
            precision: str, key of `TOLERANCES`.

        Returns:
            `ParityResult`.
        """
        sizes = (runner.batch_size,) if runner.batch_size else (1, REFERENCE_BATCH)
        results = [
            ParityResult.measure(
                self.reference,
                _run_in_batches(runner, self.pictures.pixels, size),
                self.pictures.labels,
                TOLERANCES[precision],
                self._thresholds,
            )
            for size in sizes
        ]
        worst = min(results, key=lambda result: (bool(result), result.cosine["worst"]))
        return dataclasses.replace(worst, batch_sizes=sizes)

    def demand(self, runner, precision, hint=""):
        """Compares and refuses a candidate that does not pass.

        Args:
            runner: an open `Runner`.
            precision: str, key of `TOLERANCES`.
            hint: str, added to the error. Defaults to none.

        Returns:
            `ParityResult`.

        Raises:
            ParityError: if the candidate is beyond the tolerance.
        """
        result = self.compare(runner, precision)
        if not result:
            raise ParityError(
                f"Parity failed, so nothing was written: {'; '.join(result.failures)} "
                f"({result.compared} pictures, {precision} tolerance, {runner.name} against "
                f"Keras).{hint} Choose a higher precision, or --parity=off to write it unproven."
            )
        return result

    def describe(self):
        """What was compared, as plain data for a record."""
        return self.pictures.describe()


def _run_in_batches(runner, pixels, size):
    chunks = (pixels[i : i + size] for i in range(0, len(pixels), size))
    return np.concatenate([runner.run(chunk) for chunk in chunks])
