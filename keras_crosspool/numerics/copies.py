"""Tells whether two images are one: saved again, resized, mirrored, cropped or made brighter."""

import numpy as np

_COARSE, _FINE = 16, 32  # pixels: sides at which windows are compared
_SCALES = (0.9, 0.8)  # of the windows that are tried first
_PROMISING = 0.74  # coarse likeness from which on a pair is looked at more closely; copies had 0.76
# Steps of the closer look, as shares of a side, and the likeness that each has to reach; 200 copies
# had 0.72, 0.92 and 0.96 after the first ones.
_STEPS = ((0.04, 0.6), (0.02, 0.8), (0.01, 0.9), (0.005, 0.9))
_TURNS = 3  # of each step
_AT_ONCE = 512  # pairs or images in memory
_FLAT = 1e-3  # gray levels: what varies less has no structure to compare


def copy_likeness(grays, pairs):
    """How alike two images are where one is laid best over a window of the other.

    The likeness is the cosine of the gray differences from pixel to pixel, so that brightness and
    contrast do not count. The second image, or its mirror image, is laid over windows of the first,
    and the first over windows of the second. Pairs that look promising on 16 x 16 pixels are
    compared on 32 x 32, where the window is moved until it fits best.

    Args:
        grays: `(n, side, side)`, gray levels 0-255, whole images; about 56 pixels are enough.
        pairs: int `(m, 2)`, indices of the images to compare.

    Returns:
        float64 `(m,)`, at most 1; copies are near 1, series of one scene below 0.9.

    Example:

    >>> image = np.random.default_rng(0).integers(0, 256, (64, 64)).astype("float32")
    >>> other = np.random.default_rng(1).integers(0, 256, (64, 64)).astype("float32")
    >>> found = copy_likeness(np.stack([image, image[:, ::-1], other]), np.array([[0, 1], [0, 2]]))
    >>> bool(found[0] > 0.999), bool(found[1] < 0.5)
    (True, True)
    """
    pairs = np.asarray(pairs).reshape(-1, 2)
    windows = _windows()
    vectors = np.stack([_of_window(grays, window, _COARSE) for window in windows], axis=1)
    mirrored = _of_window(grays[:, :, ::-1], windows[0], _COARSE)
    likeness = np.empty(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found = _coarse_likeness(vectors, mirrored, pairs[part])
        likeness[part] = found.max(axis=(1, 2))
        for row in np.flatnonzero(likeness[part] >= _PROMISING):
            images = grays[pairs[start + row]]
            tops, best = found[row].max(axis=1), found[row].argmax(axis=1)
            likeness[start + row] = max(
                _fitted_likeness(
                    *images[:: -1 if way % 2 else 1], windows[best[way]], mirrored=way >= 2
                )
                for way in ((0, 1) if tops[:2].max() >= tops[2:].max() else (2, 3))
                if tops[way] >= _PROMISING
            )
    return likeness


def difference_vectors(images):
    """The gray differences from pixel to pixel, both ways, as vectors of unit norm.

    Args:
        images: float `(..., side, side)`.

    Returns:
        float `(..., 2 * (side - 2) ** 2)`; zeros for an image of one gray level.
    """
    across = images[..., 1:-1, 2:] - images[..., 1:-1, :-2]
    down = images[..., 2:, 1:-1] - images[..., :-2, 1:-1]
    flat = (*images.shape[:-2], -1)
    vectors = np.concatenate([across.reshape(flat), down.reshape(flat)], axis=-1)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(norms > _FLAT * np.sqrt(vectors.shape[-1]), vectors / (norms + 1e-12), 0)


def resampling(size, start, length, side):
    """The matrix that resizes a part of a line of pixels (bilinear, antialiased).

    Args:
        size: int, pixels of the line.
        start: float, where the part begins, as a share of the line.
        length: float, its length, likewise.
        side: int, pixels of the result.

    Returns:
        float32 `(side, size)`.

    Example:

    >>> resampling(4, 0.5, 0.5, 2).tolist()
    [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    step = size * length / side
    centres = size * start + step * (np.arange(side) + 0.5)
    distances = np.abs(np.arange(size) + 0.5 - centres[:, None])
    weights = np.maximum(0, 1 - distances / max(step, 1))
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def _windows():
    """The whole and nine windows of each scale, as left, top and side."""
    found = [(0.0, 0.0, 1.0)]
    for scale in _SCALES:
        offsets = np.linspace(0, 1 - scale, 3)
        found += [(x, y, scale) for x in offsets for y in offsets]
    return found


def _of_window(grays, window, side):
    """The difference vectors of one window of images, `(n, dims)`, or of one image, `(dims,)`."""
    left, top, share = window
    size = grays.shape[-1]
    down, across = resampling(size, top, share, side), resampling(size, left, share, side).T
    if grays.ndim == 2:
        return difference_vectors(down @ grays.astype("float32") @ across)
    parts = [grays[start : start + _AT_ONCE] for start in range(0, len(grays), _AT_ONCE)]
    return np.concatenate(
        [difference_vectors(down @ (part.astype("float32") @ across)) for part in parts]
    )


def _coarse_likeness(vectors, mirrored, pairs):
    """`(pairs, ways, windows)`; of ways there are four: either first, and mirrored likewise."""
    first, second = pairs.T
    whole = vectors[:, 0]
    ways = ((first, whole[second]), (second, whole[first]))
    ways += ((first, mirrored[second]), (second, mirrored[first]))
    return np.stack([np.einsum("pwd,pd->pw", vectors[rows], small) for rows, small in ways], axis=1)


def _fitted_likeness(large, small, window, mirrored):
    """The likeness of an image to the window of another that fits it best, from a first guess.

    Where a step leaves it too low for a copy, the finer steps are left out.
    """
    large = large.astype("float32")
    vector = _of_window(small[:, ::-1] if mirrored else small, (0.0, 0.0, 1.0), _FINE)
    best = float(_of_windows(large, [window])[0] @ vector)
    for step, least in _STEPS:
        for _ in range(_TURNS):
            moved = [*_moved(window, step)]
            likeness = _of_windows(large, moved) @ vector
            if likeness.max() <= best:
                break
            best, window = float(likeness.max()), moved[likeness.argmax()]
        if best < least:
            break
    return best


def _of_windows(image, windows):
    """The difference vectors of windows of one image, `(windows, dims)`."""
    size = image.shape[-1]
    down = [resampling(size, top, share, _FINE) for _, top, share in windows]
    across = [resampling(size, left, share, _FINE).T for left, _, share in windows]
    return difference_vectors(np.stack(down) @ image @ np.stack(across))


def _moved(window, step):
    """A window moved and resized by a step, kept within the image."""
    half = step / 2
    changes = ((step, 0, 0), (-step, 0, 0), (0, step, 0), (0, -step, 0))
    changes += ((-half, -half, step), (half, half, -step))
    for across, down, wider in changes:
        left, top = max(0.0, window[0] + across), max(0.0, window[1] + down)
        yield left, top, min(window[2] + wider, 1 - left, 1 - top)
