"""Flags that the studies of tuning share, and the training runs that they name."""

import dataclasses
import pathlib

from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images split/class/*.jpg.")
flags.DEFINE_list("image_sizes", ["288"], "Side of the images of each of them, in pixels.")
flags.DEFINE_integer("tuning_size", 224, "Side of the images that networks are tuned on.", 1)
flags.DEFINE_list("epochs", ["14"], "Epochs of tuning for each of them, or one number for all.")
flags.DEFINE_list(
    "tuning",
    ["cross_layer:1", "average:10"],
    "What networks are tuned through, and the factor on the rate of its last layer.",
)
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")

_OF_ALL_DATA = ("tuning_size", "val_split", "backbone", "weights")
_NAMES = ("data", "image_sizes", "epochs", "tuning", *_OF_ALL_DATA)


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A folder of the flags, and how networks are tuned on it.

    Attributes:
        folder: str.
        image_size: int, side of its images in pixels.
        epochs: int.
    """

    folder: str
    image_size: int
    epochs: int

    @property
    def name(self):
        """Its name in tables and in the names of files."""
        return pathlib.Path(self.folder).name

    def config(self, **options):
        """The `TrainingConfig` of the flags; options stand in place of theirs."""
        from keras_crosspool.config.training_config import TrainingConfig

        of_all = {name: FLAGS[name].value for name in _OF_ALL_DATA}
        own = {"data": self.folder, "image_size": self.image_size, "epochs": self.epochs}
        return TrainingConfig.of(**{**of_all, **own, **options})


def data_sets():
    """The `DataSet` of each folder, a list.

    Raises:
        ValueError: if there are not as many image sizes as folders, or as many epochs.
    """
    from benchmarks import data_sets

    sized = data_sets.data_sets(FLAGS.data, FLAGS.image_sizes)
    epochs = FLAGS.epochs * len(sized) if len(FLAGS.epochs) == 1 else FLAGS.epochs
    if len(epochs) != len(sized):
        raise ValueError(
            "--epochs takes one number, or one for each folder. "
            f"Received: {len(sized)} folders, {len(epochs)} numbers"
        )
    return [DataSet(*each, int(number)) for each, number in zip(sized, epochs, strict=True)]


def arguments(*names):
    """The values of these flags and of others, a dict, as a record keeps them.

    Args:
        *names: str, of the other flags.
    """
    return {name: FLAGS[name].value for name in _NAMES + names}


def heads_and_rates():
    """The heads to tune through, each with the factor on the rate of its last layer: a dict.

    Raises:
        ValueError: if a factor is missing, or a head is named twice.
    """
    found = dict(map(_head_and_rate, FLAGS.tuning))
    if len(found) < len(FLAGS.tuning):
        raise ValueError(f"--tuning names a head twice. Received: {','.join(FLAGS.tuning)}")
    return found


def _head_and_rate(text):
    head, _, rate = text.partition(":")
    try:
        return head, float(rate)
    except ValueError:
        raise ValueError(
            f"--tuning takes heads and factors, as average:10. Received: {text!r}"
        ) from None
