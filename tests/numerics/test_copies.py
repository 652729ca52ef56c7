"""Copies of an image are told from other images, whichever way they were made."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from keras_crosspool.numerics.copies import copy_likeness, difference_vectors, resampling

SIDE = 56
COPY = 0.935  # the threshold of the audit


def _scene(seed):
    """Discs and bars of many grays: an image with structure of every size."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (300, 300), int(rng.integers(60, 190)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = rng.integers(-20, 300, 2)
        width, height = rng.integers(5, 90, 2)
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape([x, y, x + width, y + height], fill=int(rng.integers(0, 200)))
    return image


def _saved(image, quality):
    file = io.BytesIO()
    image.save(file, "jpeg", quality=quality)
    return Image.open(file)


def _cropped(image, share, left, top):
    side = image.width
    corner = side * (1 - share) * left, side * (1 - share) * top
    return image.crop((*corner, corner[0] + side * share, corner[1] + side * share))


COPIES = {
    "saved again": lambda image: _saved(image, 30),
    "half the size": lambda image: image.resize((150, 150)),
    "mirrored": ImageOps.mirror,
    "cropped at the corner": lambda image: _cropped(image, 0.9, 0, 1),
    "cropped somewhere": lambda image: _cropped(image, 0.9, 0.3, 0.8),
    "cropped to 95 %": lambda image: _cropped(image, 0.95, 0.4, 0.6),
    "cropped and mirrored": lambda image: ImageOps.mirror(_cropped(image, 0.9, 0.7, 0.2)),
    "brighter": lambda image: image.point(lambda level: min(255, int(1.25 * level))),
}


def _small(image):
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_copy_is_found_either_way_round(kind, seed):
    scene = _scene(seed)
    grays = np.stack([_small(scene), _small(COPIES[kind](scene))])
    found = copy_likeness(grays, np.array([[0, 1], [1, 0]]))
    assert found.min() > COPY, found


def test_other_scenes_are_no_copies():
    grays = np.stack([_small(_scene(seed)) for seed in range(12)])
    pairs = np.array([(i, j) for j in range(12) for i in range(j)])
    assert copy_likeness(grays, pairs).max() < 0.6


def test_a_scene_with_one_thing_moved_is_no_copy():
    first, second = _scene(0), _scene(0)
    for image, left in ((first, 20), (second, 150)):
        ImageDraw.Draw(image).rectangle([left, 60, left + 110, 220], fill=255)
    (found,) = copy_likeness(np.stack([_small(first), _small(second)]), np.array([[0, 1]]))
    assert found < COPY


def test_images_of_one_gray_level_are_like_nothing():
    grays = np.stack([np.full((SIDE, SIDE), level, "uint8") for level in (0, 0, 255)])
    assert copy_likeness(grays, np.array([[0, 1], [0, 2]])).tolist() == [0, 0]


def test_no_pairs():
    assert copy_likeness(np.zeros((2, SIDE, SIDE), "uint8"), np.zeros((0, 2), int)).shape == (0,)


@pytest.mark.parametrize(("left", "top", "share"), [(0, 0, 1), (0.1, 0.05, 0.8)])
def test_resampling_is_that_of_pillow(left, top, share):
    image = np.random.default_rng(0).random((SIDE, SIDE)).astype("float32") * 255
    box = tuple(SIDE * x for x in (left, top, left + share, top + share))
    # Pillow sees what is left and right of a box; without that the inner pixels are the same.
    expected = np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR, box))
    down, across = resampling(SIDE, top, share, 16), resampling(SIDE, left, share, 16)
    found = down @ image @ across.T
    assert found[1:-1, 1:-1] == pytest.approx(expected[1:-1, 1:-1], abs=0.02)


def test_difference_vectors_by_loops():
    image = np.random.default_rng(1).integers(0, 256, (6, 6)).astype("float64")
    across = [image[i, j + 1] - image[i, j - 1] for i in range(1, 5) for j in range(1, 5)]
    down = [image[i + 1, j] - image[i - 1, j] for i in range(1, 5) for j in range(1, 5)]
    expected = np.array(across + down)
    assert difference_vectors(image) == pytest.approx(expected / np.linalg.norm(expected))
