"""Calibration: what real images tell of a model's tensors, measured once and kept."""

import dataclasses
import hashlib
import json
import pathlib

from absl import logging

from keras_crosspool.config.parity_config import CALIBRATION_IMAGES
from keras_crosspool.exporting.images import Images, read_images
from keras_crosspool.exporting.statistics import Statistics
from keras_crosspool.files import atomic_path
from keras_crosspool.records import read_record


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What was measured of a model's tensors, and where it comes from.

    Attributes:
        images: `Images` they were measured on.
        method: str, tool, version and statistic.
        statistics: `Statistics`.
        from_cache: bool, whether they were read from the cache.
    """

    images: Images
    method: str
    statistics: Statistics
    from_cache: bool

    def to_dict(self, comparator):
        """The calibration as plain data for a record.

        Args:
            comparator: `Comparator` of the export, or `None`: how many of its images were
                calibrated on is recorded, for those flatter the result.

        Returns:
            dict.
        """
        seen = set(self.images.hashes())
        proof = comparator.images.hashes() if comparator else []
        return {
            **self.images.to_dict(),
            "method": self.method,
            "from_cache": self.from_cache,
            "images_shared_with_parity": sum(image in seen for image in proof),
            "ranges": self.statistics.ranges,
        }


def calibrate(
    source,
    method,
    measure,
    *,
    calibration_data="",
    calibration_split="",
    calibration_images=CALIBRATION_IMAGES,
    calibration_cache="",
):
    """Measures ranges on real images, or reads them from a cache made for the same case.

    Args:
        source: `Source`.
        method: str, tool, version and statistic.
        measure: function of uint8 pixels `(n, height, width, 3)` that gives the `Statistics`.
        calibration_data: str, folder or `"tfds:NAME"`. Defaults to the source's own images, or
            else the model's own data.
        calibration_split: str. Defaults to the split that the model was trained on.
        calibration_images: int, the most images; copies among them are left out with a
            warning. Defaults to `128`.
        calibration_cache: str, path of the cache file. Defaults to none.

    Returns:
        `Calibration`.

    Raises:
        ValueError: if the images are not there or named twice, or the cache is damaged or was made
            for another model, other images or another method.
    """
    if source.calibration and (calibration_data or calibration_split):
        raise ValueError(
            "The images that set the ranges are given already: leave `calibration_data` and "
            "`calibration_split` out, or the images. "
            f"Received: {calibration_data or calibration_split}"
        )
    images = _without_copies(
        source.calibration
        or read_images(
            source.metadata,
            "calibration",
            calibration_data,
            calibration_split,
            calibration_images,
            source.image_options,
        )
    )
    key = {"model": source.sha256, "images": images.sha256, "method": method}
    if calibration_cache and pathlib.Path(calibration_cache).exists():
        return Calibration(images, method, _read_cache(calibration_cache, key), True)
    statistics = measure(images.pixels)
    if calibration_cache:
        _write_cache(calibration_cache, key, statistics)
    return Calibration(images, method, statistics, False)


def _without_copies(images):
    """The distinct ones among some images: one that comes twice would weigh twice."""
    distinct = images.distinct()
    copies = len(images.pixels) - len(distinct.pixels)
    if copies:
        logging.warning(
            "calibration: %d of %d images of %s, split %s, left out as copies of others",
            copies,
            len(images.pixels),
            images.data,
            images.split,
        )
    return distinct


@dataclasses.dataclass(frozen=True)
class _Cache:
    """What stands in a cache file: `Statistics`, the case they were measured for, a digest."""

    key: dict
    ranges: dict
    shifts: dict
    sha256: str

    @property
    def digest(self):
        """The sha256 of the rest, which differs from `sha256` where the file was changed."""
        rest = {"key": self.key, "ranges": self.ranges, "shifts": self.shifts}
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _write_cache(path, key, statistics):
    cache = _Cache(key, statistics.ranges, statistics.shifts, "")
    cache = dataclasses.replace(cache, sha256=cache.digest)
    with atomic_path(path) as file:
        file.write_text(json.dumps(dataclasses.asdict(cache), indent=2))


def _read_cache(path, key):
    """The `Statistics` in a cache, which has to be as it was written, for this case."""
    advice = "remove it or name another `calibration_cache`"
    cache = read_record(_Cache, path, advice)
    if cache.sha256 != cache.digest:
        raise ValueError(f"The calibration cache was changed; {advice}. Received: {path}")
    other = [part for part in key if cache.key.get(part) != key[part]]
    if other:
        raise ValueError(
            f"The calibration cache was made for another {' and another '.join(other)}; {advice}. "
            f"Received: {path}"
        )
    return Statistics(cache.ranges, cache.shifts)
