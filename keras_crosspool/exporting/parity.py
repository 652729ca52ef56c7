"""Comparator: shows the same real images to the Keras model and to an artefact."""

import dataclasses
import functools

import numpy as np

from keras_crosspool.exporting.float16.value_ranges import LEAST, MOST
from keras_crosspool.exporting.keras_runner import KerasRunner
from keras_crosspool.exporting.parity_result import DESCRIPTOR_TOLERANCES, TOLERANCES, ParityResult

REFERENCE_BATCH = 16
_MINIMUM_IMAGES = 8
_FLOAT16_IMAGES = 8


class ParityError(RuntimeError):
    """An artefact is not the Keras model any more; nothing was written."""


class Comparator:
    """Holds images and the reference's logits, and compares candidates with them.

    Args:
        images: `Images`, the same for every candidate.
        model: `keras.Model`, the reference; it runs once, when first needed.
        compares_descriptors: bool, whether descriptors come out of it. Defaults to `False`.
        thresholds: float `(classes,)`, of a multi-label model. Defaults to one half each.

    Raises:
        ValueError: if the images are too few to say anything.

    Example:

    >>> comparator = Comparator(images, model)  # doctest: +SKIP
    >>> with LiteRTRunner("model.tflite") as runner:  # doctest: +SKIP
    ...     result = comparator.compare(runner, "float16")
    >>> bool(result), result.failures  # doctest: +SKIP
    (True, ())
    """

    def __init__(self, images, model, thresholds=None, compares_descriptors=False):
        if len(images.pixels) < _MINIMUM_IMAGES:
            raise ValueError(
                f"Parity needs at least {_MINIMUM_IMAGES} images to compare on: give more, by "
                f"`parity_images` or a larger `parity_split`. Received: {len(images.pixels)}"
            )
        self.images = images
        self._model = model
        self._thresholds = thresholds
        self._compares_descriptors = compares_descriptors

    @classmethod
    def of(cls, source, images):
        """The comparator of what a `Source` gives, on some `Images`."""
        return cls(images, source.model, source.metadata.thresholds, source.is_embedder)

    @functools.cached_property
    def reference(self):
        """The reference's logits, `(n, classes)`, or descriptors, `(n, dims)`."""
        with KerasRunner(self._model) as runner:
            return _run_in_batches(runner, self.images.pixels, REFERENCE_BATCH)

    def compare(self, runner, precision, limit=None):
        """Compares an open runner with the reference.

        A candidate that takes any batch is run with batches of one and of several images, and
        has to pass with both.

        Args:
            runner: an open `Runner`.
            precision: str, key of `TOLERANCES`.
            limit: int, the most images, evenly spaced. Defaults to all.

        Returns:
            `ParityResult`.
        """
        count = len(self.images.pixels)
        chosen = np.linspace(0, count - 1, min(limit or count, count)).astype(int)
        sizes = (runner.batch_size,) if runner.batch_size else (1, REFERENCE_BATCH)
        results = [
            self._measure(
                self.reference[chosen],
                _run_in_batches(runner, self.images.pixels[chosen], size),
                self.images.labels[chosen],
                precision,
            )
            for size in sizes
        ]
        worst = min(results, key=lambda result: (bool(result), result.cosine["worst"]))
        return dataclasses.replace(worst, batch_sizes=sizes)

    def _measure(self, reference, found, labels, precision):
        if self._compares_descriptors:
            tolerance = DESCRIPTOR_TOLERANCES[precision]
            return ParityResult.measure_descriptors(reference, found, labels, tolerance)
        tolerance = TOLERANCES[precision]
        return ParityResult.measure(reference, found, labels, tolerance, self._thresholds)

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
                f"({result.compared} images, {precision} tolerance, {runner.name} against "
                f"Keras).{hint} Choose a higher precision, or `parity=off` to write it unproven."
            )
        return result

    def demand_float16(self, runner, precision):
        """Compares what a GPU that computes in float16 would answer, and refuses what is beyond.

        Args:
            runner: an open `Float16Runner`; a few images go through it.
            precision: str, of the artefact. The tolerance is float16's, or its own if wider.

        Returns:
            dict for a record: the comparison, and the ranges of what the operators computed.

        Raises:
            ParityError: if it is beyond the tolerance.
        """
        tolerance = max(precision, "float16", key=lambda each: TOLERANCES[each].max_abs)
        result = self.compare(runner, tolerance, _FLOAT16_IMAGES)
        if not result:
            raise ParityError(
                "Parity failed, so nothing was written: a GPU that computes in float16 would "
                f"answer something else. {'; '.join(result.failures)} ({result.compared} images, "
                f"{tolerance} tolerance, {runner.name} against Keras). Float16 holds {LEAST:.1e} "
                f"to {MOST:.0f}. What is computed: {runner.computed}. Constants: "
                f"{runner.constants}. Keep layers of your own within that range, or `parity=off` "
                "to write it unproven."
            )
        ranges = {
            "limits": (LEAST, MOST),
            "computed": runner.computed.to_dict(),
            "constants": runner.constants.to_dict(),
        }
        return {"runtime": runner.name, **result.to_dict(), "ranges": ranges}

    def to_dict(self):
        """What was compared, as plain data for a record."""
        return self.images.to_dict()


def _run_in_batches(runner, pixels, size):
    chunks = (pixels[i : i + size] for i in range(0, len(pixels), size))
    return np.concatenate([runner.run(chunk) for chunk in chunks])
