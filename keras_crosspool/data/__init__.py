"""Labelled pictures from folders or TFDS, read the same way for every user of them."""

from keras_crosspool.data.opening import open_split
from keras_crosspool.data.pictures import decode_picture, read_picture
from keras_crosspool.data.pipeline import load_pictures, picture_batches
from keras_crosspool.data.split import Split

__all__ = [
    "Split",
    "decode_picture",
    "load_pictures",
    "open_split",
    "picture_batches",
    "read_picture",
]
