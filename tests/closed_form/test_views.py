"""The views of training images against the images themselves."""

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.closed_form.views import Views
from keras_crosspool.data import load_images


def _all(views, split, size):
    images, labels, indices = zip(*views.batches(split, size, batch_size=7), strict=True)
    return np.concatenate(images), np.concatenate(labels), np.concatenate(indices)


@pytest.mark.parametrize("mirror", [False, True])
def test_whole_images_and_their_mirror_images(train_split, mirror):
    shown, labels, indices = _all(Views(mirror=mirror), train_split, 64)
    images, expected_labels = load_images(train_split, 64)
    assert shown.dtype == np.float32
    assert len(shown) == 18 * Views(mirror=mirror).count
    np.testing.assert_array_equal(labels, expected_labels[indices])
    found = {}
    for image, index in zip(shown, indices, strict=True):
        found.setdefault(int(index), []).append(image)
    for index, views in found.items():
        np.testing.assert_array_equal(views[0], images[index])
        if mirror:
            np.testing.assert_array_equal(views[1], images[index, :, ::-1])


def test_a_crop_keeps_the_middle_share(train_split):
    shown, _, indices = _all(Views((0.5,)), train_split, 64)
    images, _ = load_images(train_split, 224)  # their own size
    for image, index in zip(shown, indices, strict=True):
        middle = Image.fromarray(images[index]).crop((56, 56, 168, 168))
        expected = np.asarray(middle.resize((64, 64), Image.Resampling.BILINEAR), "float32")
        # At the border the crop still sees a little of what is around it.
        np.testing.assert_allclose(image[2:-2, 2:-2], expected[2:-2, 2:-2], atol=12)
        assert np.abs(image - expected).mean() < 1.5


def test_number_of_views(train_split):
    for views, count in ((Views(), 1), (Views((1.0, 0.8)), 2), (Views((1.0, 0.8, 0.6), True), 6)):
        assert views.count == count
        np.testing.assert_array_equal(
            np.bincount(_all(views, train_split, 32)[2]), [count] * train_split.size
        )


@pytest.mark.parametrize("scales", [(), (0.0,), (1.0, 1.2), (-0.5,), (float("nan"),)])
def test_bad_scales_are_named(scales):
    with pytest.raises(ValueError, match=r"crop_scales must be shares .*Received: \("):
        Views(scales)
