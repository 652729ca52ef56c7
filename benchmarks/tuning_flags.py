"""Flags that the studies of tuning share, and the training run that they name."""

from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images split/class/*.jpg.")
flags.DEFINE_list("image_sizes", ["288"], "Side of the images of each of them, in pixels.")
flags.DEFINE_integer("tuning_size", 224, "Side of the images that networks are tuned on.", 1)
flags.DEFINE_integer("epochs", 14, "Epochs of tuning.", 1)
flags.DEFINE_list(
    "tuning",
    ["cross_layer:1", "average:10"],
    "What networks are tuned through, and the factor on the rate of its last layer.",
)
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")

_OF_ALL_DATA = ("tuning_size", "epochs", "val_split", "backbone", "weights")
_NAMES = ("data", "image_sizes", "tuning", *_OF_ALL_DATA)


def config_of(data, image_size, **options):
    """The `TrainingConfig` of the flags, on one of their folders.

    Args:
        data: str, the folder.
        image_size: int, side of its images in pixels.
        **options: further ones of the config, or other values than those of the flags.

    Returns:
        `TrainingConfig`.
    """
    from keras_crosspool.config.training_config import TrainingConfig

    of_all = {name: FLAGS[name].value for name in _OF_ALL_DATA}
    return TrainingConfig.of(**{"data": data, "image_size": image_size, **of_all, **options})


def arguments(*names):
    """The values of these flags and of others, a dict, as a record keeps them.

    Args:
        *names: str, of the other flags.
    """
    return {name: FLAGS[name].value for name in _NAMES + names}


def heads_and_rates():
    """The heads to tune through, each with the factor on the rate of its last layer: a dict.

    Raises:
        ValueError: if a factor lacks, or a head is named twice.
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
