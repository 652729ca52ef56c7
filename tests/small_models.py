"""Classifiers of a few weights, for tests of what is done with a model."""

import keras

from keras_crosspool import CrossPoolClassifier
from keras_crosspool.models.average_branch import AverageBranch


def flat_classifier(image, maps, class_names):
    """A classifier whose descriptor is every value of a map, under a signed root and unit length.

    Args:
        image: symbolic input.
        maps: symbolic map, or features of any shape.
        class_names: sequence of str.
    """
    one_position = keras.layers.Reshape((1, 1, -1))(keras.layers.Flatten()(maps))
    return CrossPoolClassifier(image, [AverageBranch.build(one_position)], class_names)
