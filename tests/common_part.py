"""What is added to all logits of an image alike, written out for tests."""

import numpy as np

from keras_crosspool.closed_form.classifier import cross_validation_folds


def common_part(rows, training, labels, groups=None, seed=0):
    """`(n, 1)`: how like the training rows, in deviations of training rows of other folds."""
    training, labels = np.asarray(training, "float64"), np.asarray(labels)
    folds = cross_validation_folds(labels, groups, seed=seed)
    counts = [1 / np.sum(labels == label) for label in labels]  # all classes count the same
    known = [
        row @ np.average(training, axis=0, weights=counts * (folds != fold))
        for row, fold in zip(training, folds, strict=True)
    ]
    mean = np.average(training, axis=0, weights=counts)
    return ((rows @ mean - np.mean(known)) / np.std(known))[:, None]
