"""Calibration: the ranges of a model's tensors on real pictures, measured once and kept."""

import collections
import dataclasses
import json
import pathlib

from export.pictures import Pictures, read_pictures
from keras_crosspool.files import atomic_path


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Ranges of a model's tensors, and where they come from.

    Attributes:
        pictures: `Pictures` they were measured on.
        method: str, tool, version and statistic.
        ranges: dict, name of the tensor to its least and largest value.
        from_cache: bool, whether they were read from the cache.
    """

    pictures: Pictures
    method: str
    ranges: dict
    from_cache: bool

    def describe(self, comparator):
        """The calibration as plain data for a record.

        Args:
            comparator: `Comparator` of the export, or `None`: how many of its pictures were
                calibrated on is recorded, for those flatter the result.

        Returns:
            dict.
        """
        seen = set(self.pictures.hashes())
        proof = comparator.pictures.hashes() if comparator else []
        return {
            **self.pictures.describe(),
            "method": self.method,
            "from_cache": self.from_cache,
            "pictures_shared_with_parity": sum(picture in seen for picture in proof),
            "ranges": self.ranges,
        }


def calibrate(
    source,
    method,
    measure,
    *,
    calibration_data="",
    calibration_split="train",
    calibration_pictures=128,
    calibration_cache="",
):
    """Measures ranges on real pictures, or reads them from a cache made for the same case.

    Args:
        source: `Source`.
        method: str, tool, version and statistic.
        measure: function of uint8 pixels `(n, height, width, 3)` that gives the ranges.
        calibration_data: str, folder or `"tfds:NAME"`. Defaults to the model's own data.
        calibration_split: str. Defaults to `"train"`.
        calibration_pictures: int, the most pictures. Defaults to `128`.
        calibration_cache: str, path of the cache file. Defaults to none.

    Returns:
        `Calibration`.

    Raises:
        ValueError: if the pictures are not there or are not distinct, or the cache was made for
            another model, other pictures or another method.
    """
    pictures = read_pictures(
        source.metadata,
        "calibration",
        calibration_data,
        calibration_split,
        calibration_pictures,
        source.image_options,
    )
    _refuse_duplicates(pictures)
    key = {"model": source.sha256, "pictures": pictures.sha256, "method": method}
    if calibration_cache and pathlib.Path(calibration_cache).exists():
        return Calibration(pictures, method, _read_cache(calibration_cache, key), True)
    ranges = measure(pictures.pixels)
    if calibration_cache:
        with atomic_path(calibration_cache) as file:
            file.write_text(json.dumps({"key": key, "ranges": ranges}, indent=2))
    return Calibration(pictures, method, ranges, False)


def _refuse_duplicates(pictures):
    counts = collections.Counter(pictures.hashes())
    copies = sum(count - 1 for count in counts.values())
    if copies:
        raise ValueError(
            "Calibration pictures must differ, since a picture that comes twice weighs twice; "
            "remove the copies, choose another --calibration_split or fewer "
            f"--calibration_pictures. Received: {copies} copies among {len(pictures.pixels)} "
            f"pictures of {pictures.data}, split {pictures.split}"
        )


def _read_cache(path, key):
    try:
        cache = json.loads(pathlib.Path(path).read_text())
        found, ranges = cache["key"], cache["ranges"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"The calibration cache is damaged; remove it. Received: {path} ({error!r})"
        ) from error
    other = [part for part in key if found.get(part) != key[part]]
    if other:
        raise ValueError(
            f"The calibration cache was made for another {' and another '.join(other)}; remove it "
            f"or name another --calibration_cache. Received: {path}"
        )
    return ranges
