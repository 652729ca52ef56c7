"""Classifiers: a backbone, the descriptors of branches and a linear layer, one functional model.

A backbone and a scheme come in; a `CrossPoolClassifier` goes out, and `directory.py` writes and
reads it. Its branches are objects that know their layers. For one more branch touch `branches.py`;
for one more scheme touch `schemes.py`.
"""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.models.classifier import CrossPoolClassifier

__all__ = ["CrossPoolClassifier"]
