"""Options of the data that a model is trained on."""

import dataclasses

from keras_crosspool.config.option import Config, option
from keras_crosspool.limits import MAX_MEGAPIXELS


@dataclasses.dataclass(frozen=True)
class ImageConfig(Config):
    """How images are read, by everything that reads images."""

    skip_broken: bool = option(
        False,
        "Leave out images that cannot be used (broken, unreadable, too large, no regular file), "
        "each with a warning, instead of stopping.",
    )
    max_megapixels: float = option(
        MAX_MEGAPIXELS,
        "The largest image that is decoded, in millions of pixels; a large PNG takes 4 bytes of "
        "memory a pixel.",
        least=0.0,
    )

    def image_options(self):
        """How images are read, as keyword arguments of `open_split`."""
        return {"skip_broken": self.skip_broken, "max_megapixels": self.max_megapixels}


@dataclasses.dataclass(frozen=True)
class DataConfig(ImageConfig):
    """Which images a model is trained on and validated with."""

    data: str = option(
        "data/grocery_mini",
        "Folder of images laid out as split/class/*.jpg, or with split/labels.csv; or, without "
        "splits, as class/*.jpg, or with labels.csv; or tfds:NAME.",
    )
    data_dir: str | None = option(
        None,
        "Folder of TFDS data sets; the variable TFDS_DATA_DIR, which all commands know, if unset.",
        of_the_run=False,
    )
    train_split: str | None = option(None, "Split to train on; train if unset.")
    groups: str = option(
        "auto",
        "Which photographs were taken together, so that cross-validation tells how well it does "
        "on others: a table file,group; none, each by itself; auto, what labels.csv, groups.csv "
        "or time and camera say, else how alike they are.",
    )
    val_split: str | None = option(
        None,
        "Split to score at the end, and by which the best stage of a tuned model is kept; none if "
        "unset.",
    )
    val_share: float | None = option(
        None,
        "Of a folder without splits, the share of photographs, whole sessions, that is validated "
        "instead of trained on; 0 is none; 0.2 if unset.",
        least=0.0,
        most=0.9,
    )
    splits: str | None = option(
        None,
        "Of a folder without splits, a table file,split that says what is train and what val, "
        "such as the splits.csv of another model; drawn by session if unset.",
    )

    def part_options(self):
        """What is trained on and validated with, as keyword arguments of `open_parts`."""
        return {
            "train_split": self.train_split,
            "val_split": self.val_split,
            "val_share": self.val_share,
            "splits": self.splits,
            "groups": self.groups,
            "data_dir": self.data_dir,
            **self.image_options(),
        }
