"""Views: the crops of each training image that the closed-form solver sees."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Views:
    """The views of a training image: central crops, and the mirror image of each.

    What augmentation is to gradient training: the solved classifier sees things nearer, farther
    and from the other side.

    Args:
        crop_scales: tuple of float, each the share of the image's sides that a central crop
            keeps; `1.0` is the whole image. Defaults to the whole image.
        mirror: bool, whether the mirror image of each crop is a view too. Defaults to `False`.

    Raises:
        ValueError: if there is no scale or one is not in (0, 1].

    Example:

    >>> from keras_crosspool.data import open_split
    >>> views = Views((1.0, 0.8), mirror=True)
    >>> split = open_split("data/grocery_mini", "test")
    >>> views.count, sum(len(images) for images, *_ in views.batches(split, 64))
    (4, 768)
    """

    crop_scales: tuple[float, ...] = (1.0,)
    mirror: bool = False

    def __post_init__(self):
        if not self.crop_scales or not all(0 < scale <= 1 for scale in self.crop_scales):
            raise ValueError(
                "crop_scales must be shares of an image's sides, above 0 and up to 1. "
                f"Received: {self.crop_scales}"
            )

    @property
    def count(self):
        """Number of views of an image."""
        return len(self.crop_scales) * (2 if self.mirror else 1)

    def batches(self, split, image_size, batch_size=32):
        """Goes through all views of all images.

        Args:
            split: `Split`.
            image_size: int, side in pixels.
            batch_size: int. Defaults to `32`.

        Yields:
            `images`, float32 `(batch, image_size, image_size, 3)`, `labels` `(batch,)` or
            multi-hot `(batch, num_classes)`, and the indices of the images in the split,
            `(batch,)`.
        """
        for scale in self.crop_scales:
            start = 0
            # Decoding at a larger size and cropping resizes once, so a crop loses no detail.
            side = round(image_size / scale)
            margin = (side - image_size) // 2
            kept = slice(margin, margin + image_size)
            for images, labels in split.batches(side, batch_size):
                images = np.asarray(images[:, kept, kept], "float32")
                indices = np.arange(start, start + len(images))
                yield images, np.asarray(labels), indices
                if self.mirror:
                    yield images[:, :, ::-1], np.asarray(labels), indices
                start += len(images)
