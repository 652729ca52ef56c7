"""Options of what is made of a model directory: the model, and the images of the parity check."""

import dataclasses

from keras_crosspool.config.data_config import ImageConfig
from keras_crosspool.config.option import option

CALIBRATION_IMAGES = 128  # by default


@dataclasses.dataclass(frozen=True)
class ParityConfig(ImageConfig):
    """Which model is exported, and the images on which the file must agree with it."""

    model: str | None = option(None, "Model directory, as train writes it.", required=True)
    parity_data: str = option(
        "",
        "Folder of images (split/class/*.jpg) or tfds:NAME on which the artefact must agree with "
        "the Keras model; by default the data that the model was trained on.",
    )
    parity_split: str = option(
        "", "Split of it; by default the validation split, or else training."
    )
    parity_images: int = option(64, "Number of images, drawn evenly over the classes.", least=8)
    parity: str = option(
        "on",
        "off writes the artefact unproven, and its record says so.",
        choices=("on", "off"),
    )


@dataclasses.dataclass(frozen=True)
class ExportConfig(ParityConfig):
    """Which model is exported, what comes out of it, and the images of the parity check."""

    descriptor: bool = option(
        False,
        "Write an embedder: the descriptor comes out instead of scores, for search on the device.",
    )
