"""The NumPy derivations that the layers are compared with: explicit loops over the places."""

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def tf():
    """TensorFlow, for what only it can show; skips where Keras runs on another backend."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("this check is written with TensorFlow")
    import tensorflow

    return tensorflow


@pytest.fixture(scope="session")
def pool_by_loops():
    """`P_k = sum over places of a[k] * x` for one channel, one place at a time, guidance-major."""

    def pool(features, guidance, block=False, root=True, norm=True):
        batch, height, width, dims = features.shape
        channels = guidance.shape[-1]
        descriptor = np.zeros((batch, channels * dims))
        for b in range(batch):
            for k in range(channels):
                for i in range(height):
                    for j in range(width):
                        place = guidance[b, i, j, k] * features[b, i, j].astype("float64")
                        descriptor[b, k * dims : (k + 1) * dims] += place
                if block:
                    part = descriptor[b, k * dims : (k + 1) * dims]
                    part /= np.sqrt(np.sum(part**2))
            if root:
                descriptor[b] = np.sign(descriptor[b]) * np.sqrt(np.abs(descriptor[b]))
            if norm:
                descriptor[b] /= np.sqrt(np.sum(descriptor[b] ** 2))
        return descriptor

    return pool


@pytest.fixture(scope="session")
def windows_by_loops():
    """Every m x n window of every map as a row, top left to bottom right."""

    def windows(maps, rows, columns):
        batch, height, width, channels = maps.shape
        found = [
            maps[b, i : i + rows, j : j + columns].reshape(rows * columns * channels)
            for b in range(batch)
            for i in range(height - rows + 1)
            for j in range(width - columns + 1)
        ]
        return np.array(found, "float64")

    return windows
