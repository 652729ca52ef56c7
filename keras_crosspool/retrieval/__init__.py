"""Descriptors kept and compared: ternary quantisation, folders of descriptors, neighbours.

A model and images come in; a folder of descriptors goes out (`extraction.py`, `store.py`). A folder
and an image come in; the nearest images go out (`query.py`, `neighbours.py`). For one more way to
keep descriptors add a row to the table in `formats.py`.
"""

from keras_crosspool.retrieval.extraction import extract
from keras_crosspool.retrieval.formats import FORMATS
from keras_crosspool.retrieval.neighbours import nearest
from keras_crosspool.retrieval.packing import pack, packed_dot, unpack
from keras_crosspool.retrieval.store import open_descriptors
from keras_crosspool.retrieval.ternary import ternarize

__all__ = [
    "FORMATS",
    "extract",
    "nearest",
    "open_descriptors",
    "pack",
    "packed_dot",
    "ternarize",
    "unpack",
]
