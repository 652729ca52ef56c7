"""What a model directory says of its model."""

import dataclasses
import json
from typing import Annotated, TypedDict

from keras_crosspool import records
from keras_crosspool.targets import SINGLE_LABEL, TARGETS

_PROBABILITY = records.Rule("a number from 0 to 1", lambda value: 0 <= value <= 1)


class TrainingData(TypedDict):
    """The images that a model was trained on: where they are, and which they were."""

    path: str
    train_split: str
    val_split: str | None
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """What one must know of a trained model to use, judge and rebuild it.

    Attributes:
        name: str, the zoo name, such as `"EfficientNetLite0-scheme1"`.
        class_names: tuple of str, in the order of the logits.
        image_size: int, side of the input in pixels.
        arguments: dict, the arguments of `build_model` and of the training run.
        data: dict with `path`, `train_split`, `val_split`, the `fingerprint` of the training
            images, and by split the number of images `used` and of those `left_out` by reason.
        versions: dict, library to version.
        metrics: dict of the scores measured at the end of training.
        task: str, `"single_label"` (one class an image) or `"multi_label"`; a key of
            `keras_crosspool.targets.TARGETS`.
        thresholds: tuple of float, the probability from which on each label of a multi-label
            model is said to be there; `None` for one class an image.
        preprocessing: str, in words, what the model expects.
    """

    name: str
    class_names: tuple[str, ...]
    image_size: Annotated[int, records.POSITIVE]
    arguments: dict
    data: TrainingData
    versions: dict
    metrics: dict
    task: Annotated[str, records.one_of(TARGETS)] = SINGLE_LABEL.name
    thresholds: tuple[Annotated[float, _PROBABILITY], ...] | None = None
    preprocessing: str = (
        "RGB, 0-255, the whole image resized to a square (bilinear, antialiased); "
        "the backbone's own scaling is inside the model"
    )

    def default_split(self, *roles):
        """The split that is meant where the user names none.

        Args:
            *roles: `"train"` and `"val"`, in the order in which they will do.

        Returns:
            str, as it was named for training, slices included, such as `"train[:80%]"`.

        Raises:
            ValueError: if training named none of them.
        """
        for role in roles:
            if self.data.get(f"{role}_split"):
                return self.data[f"{role}_split"]
        raise ValueError(
            f"model.json names no {' and no '.join(roles)} split that could be taken by default; "
            f"name the split to use. Received: {self.data}"
        )

    def to_json(self):
        """The metadata as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote.

        Raises:
            ValueError: if the text is no JSON object, or a field is missing or not of its type.
        """
        return records.from_json(cls, text)
