"""Labelled images from folders or TFDS, read the same way for every user of them.

`open_split` gives a `Split`: names, labels and encoded images, each decoded once to know what is
broken, and what was left out, counted by reason. `picture_batches` gives its pixels. One decoder
serves all (`decode_picture`), one reader all files (`read_picture`), one all tables (`table.py`).
For one more format touch `codecs.py`; for one more source write an `open_..._split` beside those of
folders and TFDS.
"""

from keras_crosspool.data.image_error import ImageError
from keras_crosspool.data.opening import open_split
from keras_crosspool.data.pictures import decode_picture, read_picture, read_pictures
from keras_crosspool.data.pipeline import load_pictures, picture_batches
from keras_crosspool.data.reading import MAX_MEGAPIXELS
from keras_crosspool.data.split import Split

__all__ = [
    "MAX_MEGAPIXELS",
    "ImageError",
    "Split",
    "decode_picture",
    "load_pictures",
    "open_split",
    "picture_batches",
    "read_picture",
    "read_pictures",
]
