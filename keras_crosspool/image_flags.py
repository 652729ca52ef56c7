"""The flags of everything that reads images; importing them does not take Keras."""

import sys

from absl import flags

from keras_crosspool.limits import MAX_MEGAPIXELS


def define_image_flags(module_name):
    """Defines `--skip_broken` and `--max_megapixels` as flags of a module.

    Args:
        module_name: str, its `__name__`.
    """
    if module_name == "__main__":
        module_name = sys.argv[0]  # as absl names the main, whose flags --help shows
    flags.DEFINE_bool(
        "skip_broken",
        False,
        "Leave out images that cannot be used (broken, unreadable, too large, no regular file), "
        "each with a warning, instead of stopping.",
        module_name=module_name,
    )
    flags.DEFINE_float(
        "max_megapixels",
        MAX_MEGAPIXELS,
        "The largest image that is decoded, in millions of pixels; a large PNG takes 4 bytes of "
        "memory a pixel.",
        0.0,
        module_name=module_name,
    )
