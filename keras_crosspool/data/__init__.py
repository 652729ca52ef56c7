"""Labelled images from folders or TFDS, read the same way for every user of them.

The name of a folder or a data set comes in. `open_split` gives a `Split`: names, labels and encoded
images. It decodes each image once to find the broken ones, and counts by reason what it left out.
`image_batches` gives the pixels of a split. One decoder serves all (`decode_image`), one reader
all files (`read_image`), one all tables (`table.py`). For one more image format touch
`codecs.py`; for one more source write an `open_..._split` beside those of folders and TFDS, and
call it in `opening.py`.
"""

from keras_crosspool.data.image_error import ImageError
from keras_crosspool.data.images import decode_image, read_image, read_images
from keras_crosspool.data.opening import open_split
from keras_crosspool.data.pipeline import image_batches, load_images
from keras_crosspool.data.reading import MAX_MEGAPIXELS
from keras_crosspool.data.split import Split

__all__ = [
    "MAX_MEGAPIXELS",
    "ImageError",
    "Split",
    "decode_image",
    "image_batches",
    "load_images",
    "open_split",
    "read_image",
    "read_images",
]
