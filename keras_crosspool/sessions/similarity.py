"""Sessions from how alike photographs are."""

import numpy as np

from keras_crosspool.numerics.sessions import same_images, similar_groups, thumbnail_features
from keras_crosspool.progress import track

_SIDE = 12  # pixels: what stands where, and nothing of what tells classes apart
_BATCH = 256


def sessions_by_similarity(images):
    """The session of each image: those of a class that are more alike than chance; int `(n,)`.

    Args:
        images: `Split` or `ArrayImages`.
    """
    features = thumbnail_features(_thumbnails(images, "sessions"))
    return similar_groups(features, np.asarray(images.labels))


def seen_before(training, validation):
    """The images of a validation split that are ones of the training split but for saving.

    Args:
        training: `Split` or `ArrayImages`.
        validation: likewise.

    Returns:
        int, sorted indices into the validation split.
    """
    thumbnails = [_thumbnails(images, "duplicates") for images in (training, validation)]
    first, second = same_images(thumbnail_features(np.concatenate(thumbnails))).T
    count = training.size
    return np.unique(second[(first < count) & (second >= count)]) - count


def _thumbnails(images, description):
    batches = track(images.batches(_SIDE, _BATCH), description)
    return np.concatenate([np.asarray(shown) for shown, _ in batches])
