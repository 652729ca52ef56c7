"""The Grocery Store data set for TFDS; importing the package registers it."""

from keras_crosspool.data.grocery_store.grocery_store_dataset_builder import GroceryStore

__all__ = ["GroceryStore"]
