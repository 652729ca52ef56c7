"""The flags of everything that reads images; importing them does not take Keras."""

import sys

from keras_crosspool.config.data_config import ImageConfig
from keras_crosspool.config.flag_definitions import define_flag
from keras_crosspool.config.option import options_of


def define_image_flags(module_name):
    """Defines `--skip_broken` and `--max_megapixels` as flags of a module.

    Args:
        module_name: str, its `__name__`.
    """
    if module_name == "__main__":
        module_name = sys.argv[0]  # as absl names the main, whose flags --help shows
    for field, _ in options_of(ImageConfig):
        define_flag(field, module_name)
