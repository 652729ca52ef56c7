"""Runner: the one small contract by which every runtime is compared and timed."""

import abc

import numpy as np


class Runner(abc.ABC):
    """Runs a model under one runtime. Loaded by `with`, released at its end.

    A subclass writes `_open`, `_close` and `_infer`.

    Args:
        name: str, how tables call it.

    Attributes:
        batch_size: int, the batch that the artefact takes, known once open; `None`: any.
        max_batch: int, the largest batch where any goes; `None`: no limit.
        gives_probabilities: bool, whether probabilities come out in place of logits.

    Example:

    >>> with LiteRTRunner("model.tflite") as runner:  # doctest: +SKIP
    ...     logits = runner.run(images)
    """

    def __init__(self, name):
        self.name = name
        self.batch_size = None
        self.max_batch = None
        self.gives_probabilities = False

    def __enter__(self):
        self._open()
        return self

    def __exit__(self, *_):
        self._close()

    def run(self, images):
        """Runs the model.

        Args:
            images: `(n, height, width, 3)` array, RGB, 0-255; with a fixed batch they go in
                batches, the last one filled up.

        Returns:
            float32 array `(n, classes)`, the logits, or what else the file gives.
        """
        images = np.ascontiguousarray(images, "float32")
        size = self.batch_size or self.max_batch or len(images)
        if len(images) == (self.batch_size or min(size, len(images))):
            return self._infer(images)
        chunks = (images[i : i + size] for i in range(0, len(images), size))
        return np.concatenate([self._run_chunk(chunk) for chunk in chunks])

    def _run_chunk(self, chunk):
        missing = (self.batch_size or len(chunk)) - len(chunk)
        filled = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])
        return self._infer(filled)[: len(chunk)]

    @abc.abstractmethod
    def _open(self):
        """Loads the model and sets `batch_size`."""

    @abc.abstractmethod
    def _close(self):
        """Lets go of the model."""

    @abc.abstractmethod
    def _infer(self, batch):
        """Maps a contiguous float32 batch to an array of logits of its own."""
