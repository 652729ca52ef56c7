"""The heat map in the graph against the sum over positions in NumPy."""

import numpy as np
import pytest

from keras_crosspool.evaluation.contributions import position_contributions
from keras_crosspool.evaluation.heat_map import heat_map
from keras_crosspool.page.explained import explained_source


@pytest.mark.parametrize("scheme", ["scheme1", "scheme2", "both"])
def test_the_heat_map_is_the_exact_sum(make_page_source, page_images, scheme):
    source = make_page_source(scheme)
    images = page_images.pixels.astype("float32")
    logits, found = explained_source(source).model.predict_on_batch(images)
    best = logits.argmax(axis=1)
    assert len(set(best)) > 1
    contributions, bias = position_contributions(source.original, images, best[:, None])
    expected = heat_map(source.original, contributions)[:, 0]
    assert found.shape == (len(images), 64, 64)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    whole = found.sum(axis=(1, 2)) + bias[:, 0]
    np.testing.assert_allclose(whole, logits.max(axis=1), atol=1e-5)
    np.testing.assert_allclose(logits, source.original.predict_on_batch(images), atol=1e-6)


@pytest.mark.parametrize("scheme", ["global_average", "region_average"])
def test_an_average_has_no_positions(make_page_source, scheme):
    with pytest.raises(ValueError, match=r"scheme1, scheme2 or both.*Received: the branch \w+"):
        explained_source(make_page_source(scheme))
