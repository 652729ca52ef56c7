"""What a model directory says of its model."""

import dataclasses
import json
from typing import Annotated, TypedDict

from keras_crosspool import records
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.targets import SINGLE_LABEL, TARGETS
from keras_crosspool.targets.rejection import Rejection
from keras_crosspool.versions import MODEL_PACKAGES, package_versions

_SCORES = (  # those of version 0.1
    "accuracy",
    "top5_accuracy",
    "coarse_accuracy",
    "log_loss",
    "mean_average_precision",
    "mean_f1",
    "micro_f1",
)
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
            images, `splits`, the file beside that says which images they are where the data has no
            splits, and by split the number of images `used` and of those `left_out` by reason.
        versions: dict, library to version.
        scores: `TrainingScores`, measured at the end of training.
        task: str, `"single_label"` (one class an image) or `"multi_label"`; a key of
            `keras_crosspool.targets.TARGETS`.
        thresholds: tuple of float, the probability from which on each label of a multi-label
            model is said to be there; `None` for one class an image.
        rejection: `Rejection`, from when on an image is none of the classes; `None` where that
            was not measured.
        preprocessing: str, in words, what the model expects.
    """

    name: str
    class_names: tuple[str, ...]
    image_size: Annotated[int, records.POSITIVE]
    arguments: dict
    data: TrainingData
    versions: dict
    scores: TrainingScores
    task: Annotated[str, records.one_of(TARGETS)] = SINGLE_LABEL.name
    thresholds: tuple[Annotated[float, _PROBABILITY], ...] | None = None
    rejection: Rejection | None = None
    preprocessing: str = (
        "RGB, 0-255, the whole image resized to a square (bilinear, antialiased); "
        "the backbone's own scaling is inside the model"
    )

    @staticmethod
    def of_this_version(fields):
        """The fields of a record of version 0.1, whose scores lay side by side in `metrics`.

        Args:
            fields: dict; that of this version stays as it is.

        Returns:
            dict.
        """
        metrics = fields.get("metrics")
        if "scores" in fields or not isinstance(metrics, dict):
            return fields
        kept = {name: value for name, value in fields.items() if name != "metrics"}
        return kept | {"scores": _scores_of_version_0_1(metrics)}

    @classmethod
    def of(cls, model):
        """What is known of a model in memory, which says nothing of the images it was trained on.

        Args:
            model: `CrossPoolClassifier`.
        """
        return cls(
            name=model.name,
            class_names=model.class_names,
            image_size=model.image_size,
            arguments={},
            data={"path": "", "train_split": "", "val_split": None, "fingerprint": ""},
            versions=package_versions(*MODEL_PACKAGES),
            scores=TrainingScores(),
            task=model.task,
            thresholds=model.thresholds,
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
            f"name the split to use. Received: a model trained on {self.data['train_split']}"
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


def _scores_of_version_0_1(metrics):
    def floats(prefix):
        found = {n.removeprefix(prefix): x for n, x in metrics.items() if n.startswith(prefix)}
        return {name: x for name, x in found.items() if name in _SCORES and type(x) is float}

    def solved(prefix):
        alpha = metrics.get(f"{prefix}strength")
        found = {"alpha": alpha, "cross_validated": floats(f"{prefix}cross_validated_")}
        return None if alpha is None else found | {"validation": floats(prefix)}

    return {
        "validation": floats(""),
        "solved": solved(""),
        "baseline": solved("baseline_"),
        "seconds": metrics.get("seconds", {}),
    }
