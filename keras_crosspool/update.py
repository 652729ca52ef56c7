"""Adds images and classes to a model, or removes some, in seconds and without the old images.

The model must have been trained with --keep_descriptors. Its network stays; its classifier becomes
that of all images, old and new. The old model directory stays as it is.

    crosspool update --model=model --data=new_photographs --output=model2
    crosspool update --model=model --remove_classes=Anjou,Kiwi --output=model2
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.update_config import UpdateConfig
from keras_crosspool.mains import run

define_flags(UpdateConfig, __name__)


def main(_):
    from keras_crosspool.training.summary import summary
    from keras_crosspool.training.updating import update

    config = config_of_flags(UpdateConfig)
    print(summary(update(config), config.output))


if __name__ == "__main__":
    run(main, needs="tensorflow")
