"""Export from Python: one call from a Keras model to a proven file."""

import dataclasses
import pathlib

import numpy as np

from keras_crosspool.config.parity_config import CALIBRATION_IMAGES, ParityConfig
from keras_crosspool.exporting import formats

_PARITY_IMAGES = ParityConfig.parity_images
_LEAST_FOR_INT8 = 16


def export(
    model,
    path,
    precision=None,
    images=None,
    labels=None,
    calibration_images=None,
    parity=True,
    descriptor=False,
    **options,
):
    """Writes a classifier as a file for another runtime and proves it against the Keras model.

    The file runs on real images in its own runtime before it takes its name. If its logits are
    not those of the Keras model within the tolerance of the precision, nothing is written.

    Args:
        model: `CrossPoolClassifier`.
        path: path to write; its suffix names the format, such as `.tflite` or `.onnx`.
        precision: str, such as `"float32"`, `"float16"` or `"int8"`. Defaults to the first of the
            format, `"float32"`.
        images: images to compare on, as `CrossPoolClassifier.solve` takes them: arrays
            `(n, height, width, 3)` of RGB 0-255, `tf.data`, a `PyDataset` or a `Split`. At most
            64 are drawn evenly over the classes. For `"int8"` one half of them is compared and
            the other half sets the ranges, unless `calibration_images` are given.
        labels: labels of images given as an array.
        calibration_images: for `"int8"`, array of images that set the ranges; at most 128.
        parity: bool; `False` writes the file unproven, without images, and its record says so.
            Defaults to `True`.
        descriptor: bool; `True` writes an embedder, which gives the descriptor instead of scores.
            Defaults to `False`.
        **options: options of the format, such as `batch_size=1` or `int8_io=True`; see
            `python -m export.FORMAT --help`.

    Returns:
        `Artefact`, the record that is written beside the file as `PATH.json`.

    Raises:
        ValueError: if the suffix, the precision, an option or the images are not as expected.
        ImportError: if a package of the format is not installed.
        ParityError: if the file does not compute what the Keras model does.
        SlowerError: if an int8 file is slower than float32 here and `allow_slower` is not set.

    Example:

    >>> model = keras_crosspool.load("quickstart/model")  # doctest: +SKIP
    >>> record = keras_crosspool.export(  # doctest: +SKIP
    ...     model, "model.tflite", precision="int8", images=images, labels=labels
    ... )
    >>> record.parity["status"]  # doctest: +SKIP
    'passed'
    """
    path = pathlib.Path(path)
    row = formats.format_of(path)
    precision = precision or row.precisions[0]
    row.check(precision, options)
    row.check_installed()

    from keras_crosspool.exporting.parity import Comparator
    from keras_crosspool.exporting.source import make_source
    from keras_crosspool.models.metadata import ModelMetadata

    compared, calibrated = _chosen_images(
        model, images, labels, calibration_images, precision == "int8", parity
    )
    source = make_source(model, ModelMetadata.of(model), calibration=calibrated)
    source = source.embedder() if descriptor else source
    comparator = Comparator.of(source, compared) if parity else None
    return formats.resolve(row.exporter)(source, path, precision, comparator, **options)


def _chosen_images(model, images, labels, calibration_images, quantizes, parity):
    """The images to compare on and those to calibrate on, each `None` where none are needed."""
    if images is None and labels is not None:
        raise ValueError("`labels` are those of `images`: give both. Received: labels alone")
    if calibration_images is not None and not quantizes:
        raise ValueError(
            "`calibration_images` set the ranges of int8: leave them out, or set `precision=int8`. "
            "Received: calibration_images with another precision"
        )
    shown = None if images is None else _drawn(model, images, labels)
    if parity and shown is None:
        raise ValueError(
            "Give images on which the file is compared with the Keras model, or parity=False to "
            "write it unproven. Received: images=None"
        )
    if not quantizes:
        return shown and _first(shown, _PARITY_IMAGES), None
    if calibration_images is not None:
        calibration = _unlabelled(model, calibration_images)
        return shown and _first(shown, _PARITY_IMAGES), calibration
    if shown is None:
        raise ValueError(
            "int8 needs real images that set the ranges: give images or calibration_images. "
            "Received: none"
        )
    if not parity:
        return None, _first(shown, CALIBRATION_IMAGES)
    if len(shown.pixels) < _LEAST_FOR_INT8:
        raise ValueError(
            f"int8 needs {_LEAST_FOR_INT8} images, half of them to compare on and half to set the "
            "ranges: give more images, or calibration_images. "
            f"Received: {len(shown.pixels)} images"
        )
    half = min(_PARITY_IMAGES, len(shown.pixels) // 2)
    return _first(shown, half), _between(shown, half, half + CALIBRATION_IMAGES)


def _drawn(model, images, labels):
    """Labelled images at the size of the model; any first ones of them cover the classes."""
    from keras_crosspool.data.array_images import labelled_images
    from keras_crosspool.data.pipeline import even_order
    from keras_crosspool.exporting.images import Images

    found = labelled_images(images, labels, model.class_names, model.task)
    order = even_order(found.labels)[: _PARITY_IMAGES + CALIBRATION_IMAGES]
    pixels = _as_bytes(found.images_at(order, model.image_size))
    return Images(pixels, found.labels[order], "images", found.name)


def _unlabelled(model, images):
    from keras_crosspool.data.array_checks import check_images
    from keras_crosspool.data.array_images import resized
    from keras_crosspool.exporting.images import Images

    chosen = np.asarray(images)[:CALIBRATION_IMAGES]
    check_images(chosen)
    pixels = _as_bytes(resized(chosen, model.image_size))
    return Images(pixels, np.zeros(len(pixels), "int32"), "calibration_images", "images")


def _as_bytes(images):
    return np.clip(np.round(images), 0, 255).astype("uint8")


def _first(images, count):
    return _between(images, 0, count)


def _between(images, start, stop):
    return dataclasses.replace(
        images, pixels=images.pixels[start:stop], labels=images.labels[start:stop]
    )
