"""Sessions from how alike photographs are."""

import numpy as np

from keras_crosspool.numerics.sessions import similar_groups, thumbnail_features
from keras_crosspool.progress import track

_SIDE = 12  # pixels: what stands where, and nothing of what tells classes apart
_BATCH = 256


def sessions_by_similarity(images):
    """The session of each image: those of a class that are more alike than chance; int `(n,)`.

    Args:
        images: `Split` or `ArrayImages`.
    """
    batches = track(images.batches(_SIDE, _BATCH), "sessions")
    thumbnails = np.concatenate([np.asarray(shown) for shown, _ in batches])
    return similar_groups(thumbnail_features(thumbnails), np.asarray(images.labels))
