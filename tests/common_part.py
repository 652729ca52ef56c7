"""What is added to all logits of an image alike, written out for tests."""

import numpy as np

from keras_crosspool.closed_form.classifier import cross_validation_folds


def common_part(rows, training, labels, groups=None, seed=0):
    """`(n, 1)`: how like the training rows, in deviations of training rows of other folds."""
    training = np.asarray(training, "float64")
    folds = cross_validation_folds(labels, groups, seed=seed)
    known = [
        row @ training[folds != fold].mean(axis=0)
        for row, fold in zip(training, folds, strict=True)
    ]
    return ((rows @ training.mean(axis=0) - np.mean(known)) / np.std(known))[:, None]
