"""Checks images and labels that come as arrays, each with a word on what was expected."""

import numpy as np
from absl import logging

from keras_crosspool.data.split import classes_without_images
from keras_crosspool.targets import SINGLE_LABEL

_LOWEST, _HIGHEST = -20, 280  # a resize may overshoot 0-255 a little


def check_images(images):
    """Refuses an array that is no RGB images of 0-255.

    Args:
        images: `(n, height, width, 3)`.

    Raises:
        ValueError: if shape or pixels are not as expected.
    """
    check_shape(images)
    _check_pixels(images)


def check_shape(images):
    """Refuses an array of another shape than `(n, height, width, 3)`."""
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            "Expected RGB images (n, height, width, 3) of 0-255. "
            f"Received: shape {images.shape}, {images.dtype}"
        )


def _check_pixels(images):
    """Refuses pixels that are no 0-255, image by image so that no copy of all is made."""
    largest = 0.0
    for index, image in enumerate(images):
        low, high = (float(image.min()), float(image.max())) if image.size else (0.0, 0.0)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(
                "Expected finite pixels of 0-255. "
                f"Received: NaN or infinity in the image at index {index}"
            )
        if low < _LOWEST or high > _HIGHEST:
            raise ValueError(
                "Expected RGB images of 0-255, not normalised and of no more than 8 bits. "
                f"Received: {low:g} to {high:g} in the image at index {index}"
            )
        largest = max(largest, high)
    if images.dtype.kind == "f" and 0 < largest <= 1.0:
        raise ValueError(
            "Expected images of 0-255, not of 0-1: multiply them by 255. "
            f"Received: a largest value of {largest:.3f}"
        )


def checked_labels(labels, num_classes, task):
    """Labels as the solver takes them: int `(n,)`, or multi-hot."""
    if task == SINGLE_LABEL.name and labels.ndim == 2 and labels.shape[1] == num_classes:
        if not ((labels == 0) | (labels == 1)).all() or not (labels.sum(axis=1) == 1).all():
            raise ValueError(
                "Expected one class an image: for several labels build the model with "
                f'task="multi_label". Received: labels of shape {labels.shape}, not one-hot'
            )
        labels = labels.argmax(axis=1)
    if task == SINGLE_LABEL.name and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    shape = (len(labels),) if task == SINGLE_LABEL.name else (len(labels), num_classes)
    highest = num_classes if task == SINGLE_LABEL.name else 2
    whole = labels.dtype.kind in "iub" or (
        labels.dtype.kind == "f" and (labels == np.floor(labels)).all()
    )
    if labels.shape != shape or not whole or not ((labels >= 0) & (labels < highest)).all():
        expected = f"int (n,) below {num_classes}" if len(shape) == 1 else f"0 or 1 {shape}"
        raise ValueError(
            f"Expected labels {expected}, for the {num_classes} classes of the model. "
            f"Received: shape {labels.shape}, {labels.dtype}, values from {_low(labels)}"
        )
    return labels.astype("int32" if task == SINGLE_LABEL.name else "uint8")


def warn_of_classes_without_images(labels, class_names):
    """Names the classes that no image shows."""
    lost = classes_without_images(labels, class_names)
    if lost:
        logging.warning(
            "%d of %d classes have no image, so the model cannot know them: %s",
            len(lost),
            len(class_names),
            ", ".join(lost[:5]),
        )


def _low(labels):
    if labels.dtype.kind not in "iufb" or not labels.size:
        return "none that are numbers"
    return f"{labels.min()} to {labels.max()}"
