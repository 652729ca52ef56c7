"""ProjectedCovariancePooling against the covariance and its quadratic forms."""

import numpy as np
import pytest
from keras import ops

from keras_crosspool import ProjectedCovariancePooling
from tests.second_order_layers import random_maps


@pytest.mark.parametrize("transform", ["sqrt", "log"])
@pytest.mark.parametrize("grid", [(1, 3), (9, 9)])  # fewer positions than channels, and more
def test_definition(transform, grid):
    (maps,) = random_maps((5,), (2, *grid))
    maps += 2  # the mean must not matter
    layer = ProjectedCovariancePooling(7, transform)
    layer(maps)
    rng = np.random.default_rng(1)
    kernel, scale, offset = (rng.normal(size=w.shape) for w in layer.weights)
    layer.set_weights([kernel, scale, offset])
    found = ops.convert_to_numpy(layer(maps))
    for b in range(2):
        covariance = np.cov(maps[b].reshape(-1, 5).T.astype("float64"), bias=True)
        variances = np.array([w @ covariance @ w for w in kernel.T])
        assert variances.min() > 1e-4
        spread = np.sqrt(variances) if transform == "sqrt" else np.log(variances + 1e-4)
        np.testing.assert_allclose(found[b], scale * spread + offset, rtol=1e-3, atol=1e-3)


def test_directions_scale_and_offset_are_trained():
    layer = ProjectedCovariancePooling(7)
    layer(random_maps((5,)))
    assert [w.name for w in layer.trainable_weights] == ["kernel", "scale", "offset"]
