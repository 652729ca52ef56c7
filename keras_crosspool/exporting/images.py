"""Real images for parity and for calibration, read by the evaluation preprocessing."""

import dataclasses
import hashlib
import pathlib

import numpy as np

from keras_crosspool.config.parity_config import ParityConfig
from keras_crosspool.data import load_images, open_split

# What a model is judged by should be new to it; the ranges are those of what it was fitted on.
_ROLES = {"parity": ("val", "train"), "calibration": ("train",)}


@dataclasses.dataclass(frozen=True)
class Images:
    """Labelled images held in memory.

    Attributes:
        pixels: uint8 array `(n, image_size, image_size, 3)`, RGB.
        labels: int array `(n,)`, or multi-hot `(n, classes)`.
        data: str, the folder or TFDS name they come from.
        split: str.
        left_out: dict, how many images of the split cannot be used, by reason.
    """

    pixels: np.ndarray
    labels: np.ndarray
    data: str
    split: str
    left_out: dict = dataclasses.field(default_factory=dict)

    @property
    def sha256(self):
        """Hex sha256 of the pixels and labels."""
        digest = hashlib.sha256(self.pixels.tobytes())
        digest.update(np.asarray(self.labels, "int64").tobytes())
        return digest.hexdigest()

    def hashes(self):
        """Hex sha256 of each image's pixels."""
        return [hashlib.sha256(image.tobytes()).hexdigest() for image in self.pixels]

    def distinct(self):
        """These images without those whose pixels are an earlier one's, as `Images`."""
        _, first = np.unique(self.hashes(), return_index=True)
        kept = np.sort(first)
        copies = {"copies of others": len(self.pixels) - len(kept)}
        return dataclasses.replace(
            self,
            pixels=self.pixels[kept],
            labels=self.labels[kept],
            left_out=self.left_out | {reason: n for reason, n in copies.items() if n},
        )

    def to_dict(self):
        """Where they come from, as plain data for a record."""
        return {
            "data": self.data,
            "split": self.split,
            "images": len(self.pixels),
            "left_out": self.left_out,
            "sha256": self.sha256,
        }


def read_images(
    metadata, purpose, data="", split="", limit=ParityConfig.parity_images, image_options=None
):
    """Reads images for a model, of its own data unless told otherwise.

    Args:
        metadata: `ModelMetadata` of the model.
        purpose: `"parity"` or `"calibration"`, which names the flags in errors.
        data: str, folder or `"tfds:NAME"`. Defaults to the model's own data.
        split: str. Defaults to the model's training split for calibration, and for parity to its
            validation split or else its training split.
        limit: int, the most images, drawn evenly over the classes. Defaults to `64`.
        image_options: dict, further arguments of `open_split`: `skip_broken`, `max_megapixels`,
            `splits`. Defaults to none.

    Returns:
        `Images`.

    Raises:
        ValueError: if the data is not there.
    """
    data = str(data or metadata.data.get("path") or "")
    if not data or not (data.startswith("tfds:") or pathlib.Path(data).is_dir()):
        off = ", or `parity=off` to write it unproven" if purpose == "parity" else ""
        raise ValueError(
            f"The images for {purpose} are not here. Pass `{purpose}_data=FOLDER` (laid out as "
            f"split/class/*.jpg){off}. Received: {data or 'no path in model.json'}"
        )
    if limit < 1:
        raise ValueError(f"`{purpose}_images` must be at least 1. Received: {limit}")
    split = split or metadata.default_split(*_ROLES[purpose])
    opened = open_split(
        data, split, metadata.class_names, task=metadata.task, **(image_options or {})
    )
    pixels, labels = load_images(opened, metadata.image_size, limit=limit)
    return Images(pixels, labels, data, split, dict(opened.left_out))


def full_batches(pixels, size):
    """Cuts pixels into batches for a graph whose batch is fixed.

    Args:
        pixels: uint8 array `(n, height, width, 3)`.
        size: int.

    Yields:
        float32 arrays `(size, height, width, 3)`; the last one is filled up with the first pixels.
    """
    for start in range(0, len(pixels), size):
        batch = np.take(pixels, range(start, start + size), axis=0, mode="wrap")
        yield batch.astype("float32")
