"""Options of adding images and classes to a model, or removing some."""

import dataclasses

from keras_crosspool.config.data_config import ImageConfig
from keras_crosspool.config.option import option


@dataclasses.dataclass(frozen=True)
class UpdateConfig(ImageConfig):
    """What is added to a model and what is removed from it."""

    model: str | None = option(
        None, "Model directory, as train writes it with --keep_descriptors.", required=True
    )
    output: str | None = option(
        None, "Model directory to write; the old one stays as it is.", required=True
    )
    data: str | None = option(
        None,
        "Folder of new images, of new classes or of known ones, split/class/*.jpg or class/*.jpg; "
        "nothing is added if unset.",
    )
    data_dir: str | None = option(None, "Folder of TFDS data sets; TFDS_DATA_DIR if unset.")
    train_split: str = option("train", "Split of the new images, where there are splits.")
    groups: str = option(
        "auto",
        "Which of the new images were taken together: a table file,group; none; or auto, as train "
        "finds it.",
    )
    remove_classes: tuple[str, ...] | None = option(None, "Classes to remove, separated by commas.")
    remove_images: str | None = option(
        None, "Table with the column file: old images to remove, by the name or its end."
    )
    batch_size: int = option(32, "Images computed at once.", least=1)
