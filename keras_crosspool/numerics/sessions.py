"""Groups of images that look as if they were taken together, from small thumbnails."""

import numpy as np

_STRUCTURE = 3.0  # weight of what is where, beside the colours
_FLAT = 1.0  # gray levels: a thumbnail that varies less has no structure to compare
_UNRELATED = 0.05  # the share of unrelated pairs that would be joined by chance
_PAIRS = 200_000  # that are drawn to measure that
_MOST_AT_ONCE = 4000  # images whose distances are all in memory
_DUPLICATE = 0.35  # the distance of the features of one image that was saved twice


def thumbnail_features(thumbnails):
    """What tells photographs of one session from others: where it is light, and in which colours.

    Args:
        thumbnails: `(n, side, side, 3)`, RGB, 0-255.

    Returns:
        float64 `(n, 3 * side ** 2 + 6)`: the pixels without their mean at unit norm, weighted, then
        mean and deviation of each colour, standardised over the images.
    """
    pixels = np.asarray(thumbnails, "float64")
    means, deviations = pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))
    structure = (pixels - means[:, None, None]).reshape(len(pixels), -1)
    norms = np.linalg.norm(structure, axis=1, keepdims=True)
    structure /= np.maximum(norms, _FLAT * np.sqrt(structure.shape[1]))
    colours = np.concatenate([means, deviations], axis=1)
    colours = (colours - colours.mean(axis=0)) / np.maximum(colours.std(axis=0), 1e-9)
    return np.concatenate([_STRUCTURE * structure, colours], axis=1)


def similar_groups(features, labels, seed=0):
    """Groups images that are more alike than photographs of different things.

    Within a class images are joined by average linkage up to the distance that 5 % of the pairs of
    *different* classes fall below: those cannot be photographs of one thing, so they say how alike
    two photographs come out by chance. The number of groups follows from the images: many where
    each was taken by somebody else, few where they are series. A class of two or more images has
    two groups at least. Images that are the same but for saving are one group, across classes too.

    Args:
        features: float `(n, dims)`, from `thumbnail_features`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`; several labels an image are clustered
            all together, and two images are unrelated if they have no label in common.
        seed: int, of the pairs that are drawn. Defaults to `0`.

    Returns:
        int `(n,)`, the group of each image, counted from 0.

    Example:

    >>> series = np.array([[0.0], [1.0], [20.0], [21.0], [50.0], [60.0]])
    >>> similar_groups(series, np.array([0, 0, 0, 0, 1, 1])).tolist()
    [0, 0, 1, 1, 2, 3]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    distance = _chance_distance(features, labels, seed)
    classes = labels if labels.ndim == 1 else np.zeros(len(labels), int)
    found, count = np.empty(len(labels), int), 0
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        found[rows] = count + _linked(features[rows], distance)
        count = found[rows].max() + 1
    first, second = same_images(features).T
    joined = coo_array((np.ones(len(first)), (found[first], found[second])), shape=(count, count))
    _, together = connected_components(joined, directed=False)
    return _in_order(together[found])


def _in_order(groups):
    """The same groups, counted from 0 as they appear."""
    _, first, numbers = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers]


def _chance_distance(features, labels, seed):
    """The distance that 5 % of the unrelated pairs are nearer than."""
    first, second = np.random.default_rng(seed).integers(len(labels), size=(2, _PAIRS))
    if labels.ndim == 1:
        unrelated = labels[first] != labels[second]
    else:
        unrelated = ~np.any(labels[first] & labels[second], axis=1)
    unrelated = unrelated if unrelated.any() else first != second
    first, second = first[unrelated], second[unrelated]
    distances = np.concatenate(
        [
            np.linalg.norm(features[first[part]] - features[second[part]], axis=1)
            for part in _parts(len(first))
        ]
    )
    return float(np.quantile(distances, _UNRELATED))


def _linked(features, distance):
    """The groups of one class, counted from 0; of very many images those of each part."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(features) == 1:
        return np.zeros(1, int)
    found, count = np.empty(len(features), int), 0
    for part in _parts(len(features)):
        if len(features[part]) == 1:
            found[part] = count
        else:
            tree = linkage(features[part], "average")
            groups = fcluster(tree, distance, "distance")
            if groups.max() == 1 and count == 0:
                groups = fcluster(tree, 2, "maxclust")
            found[part] = count + groups - 1
        count = found[part].max() + 1
    return found


def same_images(features):
    """The pairs of images that are one but for saving.

    Args:
        features: float `(n, dims)`, from `thumbnail_features`.

    Returns:
        int `(pairs, 2)`, the smaller index first.

    Example:

    >>> same_images(np.array([[0.0], [5.0], [0.1]])).tolist()
    [[0, 2]]
    """
    from scipy.spatial import cKDTree

    # Distances of some coordinates are at most those of all: few pairs are left to look at.
    spread = np.argsort(-features.std(axis=0), kind="stable")[:16]
    pairs = cKDTree(features[:, spread]).query_pairs(_DUPLICATE, output_type="ndarray")
    near = [
        pairs[part][
            np.linalg.norm(features[pairs[part, 0]] - features[pairs[part, 1]], axis=1) < _DUPLICATE
        ]
        for part in _parts(len(pairs))
    ]
    return np.concatenate([pairs[:0], *near])


def _parts(count):
    return [slice(start, start + _MOST_AT_ONCE) for start in range(0, count, _MOST_AT_ONCE)]
