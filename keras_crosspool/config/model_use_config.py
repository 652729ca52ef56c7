"""Options of the commands that use a model directory on images."""

import dataclasses

from keras_crosspool.config.data_config import ImageConfig
from keras_crosspool.config.option import option

_MODEL = "Model directory, as train writes it."
_DATA = (
    "Folder of images split/class/*.jpg, or class/*.jpg without splits, or tfds:NAME; the training "
    "data if unset."
)


@dataclasses.dataclass(frozen=True)
class LabelledUseConfig(ImageConfig):
    """Which model is run on which labelled images."""

    model: str | None = option(None, _MODEL, required=True)
    data: str | None = option(None, _DATA)
    data_dir: str | None = option(None, "Folder of TFDS data sets; TFDS_DATA_DIR if unset.")
    splits: str | None = option(
        None, "Of a folder without splits, a table file,split; that of the model if unset."
    )
    batch_size: int = option(32, "Images in a batch.", least=1)
    unknown: str | None = option(
        None,
        "Folder of images of none of the classes, in folders below too: tells how many of them "
        "are refused.",
    )


@dataclasses.dataclass(frozen=True)
class EvaluationConfig(LabelledUseConfig):
    """What a model is scored on."""

    split: str | None = option(
        None,
        "Split to score on; test if unset, or of a folder without splits val, or all of a folder "
        "that the model was not trained on.",
    )
    json: str | None = option(None, "File for all scores, per class too.")


@dataclasses.dataclass(frozen=True)
class PredictionConfig(ImageConfig):
    """What is told of images."""

    model: str | None = option(None, _MODEL, required=True)
    top: int = option(
        5, "Classes to show for each image; a multi-label model shows what it finds.", least=1
    )
    explain: str | None = option(
        None,
        "Image to write: heat maps of what each position contributed to the best class and to "
        "the runner-up.",
    )
    json: str | None = option(None, "File for the scores of every class.")


@dataclasses.dataclass(frozen=True)
class ExtractionConfig(ImageConfig):
    """Whose descriptors are written, and how."""

    model: str | None = option(None, _MODEL, required=True)
    output: str | None = option(None, "Folder to write, or to finish.", required=True)
    data: str | None = option(None, _DATA)
    split: str | None = option(
        None, "Split to extract; the one that the model was trained on if unset."
    )
    format: str = option(
        "float16",
        "How a value is kept: 32 bits; 16 bits; or 2 bits, its sign where it is among the largest "
        "tenth of its descriptor and zero elsewhere.",
        choices=("float32", "float16", "packed"),
    )
    batch_size: int = option(32, "Images computed at once.", least=1)
    shard_size: int = option(
        512,
        "Descriptors in a file, a multiple of --batch_size; after a kill at most so many are "
        "computed again.",
        least=1,
    )


@dataclasses.dataclass(frozen=True)
class SearchConfig(ImageConfig):
    """What is found for a query, and where it is shown."""

    descriptors: str | None = option(None, "Folder of descriptors from extract.", required=True)
    model: str | None = option(None, "Model directory they were made with.", required=True)
    nearest: int = option(10, "Images to find for each query.", least=1)
    contact_sheet: str | None = option(
        None, "Image to write: each query with what was found beside it."
    )
    data: str | None = option(
        None, "Where the images of the contact sheet are; where they were if unset."
    )
    json: str | None = option(None, "File for everything that was found.")


@dataclasses.dataclass(frozen=True)
class DemoConfig(ImageConfig):
    """What the demo shows, and where."""

    model: str | None = option(None, _MODEL, required=True)
    descriptors: str | None = option(
        None,
        "Folder of descriptors from extract, to find the nearest images in; computed from the "
        "training images if unset.",
    )
    data: str | None = option(
        None, "Where those images are; where they were at training or extraction if unset."
    )
    nearest: int = option(8, "Nearest images to show; 0 leaves them out.", least=0)
    host: str = option(
        "127.0.0.1",
        "Address to listen on, by default this machine alone; 0.0.0.0 lets the network in.",
    )
    port: int = option(7860, "Port to listen on.", least=1, most=65535)
