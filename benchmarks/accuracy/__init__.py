"""Accuracy of schemes and of the global average, by photographs a class."""
