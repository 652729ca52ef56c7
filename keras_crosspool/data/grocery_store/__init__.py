"""The Grocery Store data set for TFDS; importing the package registers it.

The archive of the data set comes in; a TFDS data set of images with labels goes out. For one more
data set write a folder with a builder like this one.
"""

from keras_crosspool.data.grocery_store.grocery_store_dataset_builder import GroceryStore

__all__ = ["GroceryStore"]
