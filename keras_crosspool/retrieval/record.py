"""What a folder of descriptors says of where they come from."""

import dataclasses
import json
from typing import Annotated

from keras_crosspool import records
from keras_crosspool.retrieval.formats import FORMATS

_Count = Annotated[int, records.POSITIVE]
_DIMS = records.Rule("a whole number from 1 to 2^24", lambda value: 1 <= value <= 1 << 24)


@dataclasses.dataclass(frozen=True)
class ExtractionRecord:
    """All that the descriptors in a folder depend on: equal records mean equal files.

    Attributes:
        model: str, the zoo name.
        model_fingerprint: str, sha256 of the model up to its descriptor.
        image_size: int, side of the images in pixels.
        data: str, the folder of images or `tfds:NAME`.
        split: str.
        data_fingerprint: str, sha256 of the split's images and labels.
        skip_broken: bool, whether broken images were left out.
        images: int, the number of descriptors.
        format: str, a key of `FORMATS`.
        dims: int, values of a descriptor.
        batch_size: int, images that were computed at once, on which the last bits depend.
        shard_size: int, descriptors in a file; the last one may hold fewer.
        versions: dict, library to version.
    """

    model: str
    model_fingerprint: str
    image_size: _Count
    data: str
    split: str
    data_fingerprint: str
    skip_broken: bool
    images: _Count
    format: Annotated[str, records.one_of(FORMATS)]
    dims: Annotated[int, _DIMS]
    batch_size: _Count
    shard_size: _Count
    versions: dict

    @property
    def shards(self):
        """The number of descriptors in each file, a list of int."""
        whole, rest = divmod(self.images, self.shard_size)
        return [self.shard_size] * whole + [rest] * (rest > 0)

    @property
    def shard_count(self):
        """The number of files."""
        return -(-self.images // self.shard_size)

    def to_json(self):
        """The record as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    def differences(self, other):
        """What sets another record apart, a list of str; empty where they are equal."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return [f"{key} {mine[key]}, not {theirs[key]}" for key in mine if mine[key] != theirs[key]]
