"""Images are seen as a viewer shows them, in every format that says how to turn them."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.data import decode_image, open_split
from tests.heic import heic
from tests.turned_images import turned_images

SIDE = 16
ORIENTATIONS = range(1, 9)
FORMATS = {
    "jpeg": {"quality": 95},
    "tiff": {},
    "tiff, LZW": {"compression": "tiff_lzw"},
    "tiff, JPEG": {"compression": "jpeg", "quality": 95},
    "png": {},
    "webp": {"quality": 95},
    "avif": {"quality": 95},
}


def _stored(orientation):
    """What a camera stores of one scene under an orientation (Exif 2.3, table of tag 274).

    The scene is red top left, green top right, and blue below.
    """
    upright = np.zeros((80, 120, 3), "uint8")
    upright[:40, :60] = 255, 0, 0
    upright[:40, 60:] = 0, 255, 0
    upright[40:] = 0, 0, 255
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(stored[orientation])


def _assert_upright(encoded):
    image = decode_image(encoded, SIDE).astype(int)
    np.testing.assert_allclose(image[2, 2], (255, 0, 0), atol=12)
    np.testing.assert_allclose(image[2, -3], (0, 255, 0), atol=12)
    np.testing.assert_allclose(image[-3, 2], (0, 0, 255), atol=12)
    np.testing.assert_allclose(image[-3, -3], (0, 0, 255), atol=12)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_the_cameras_orientation_is_applied(name, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    image = Image.fromarray(_stored(orientation))
    image.save(file, name.partition(",")[0], exif=exif, **FORMATS[name])
    _assert_upright(file.getvalue())


def test_only_exif_turns_an_image(tried):
    """Browsers, OpenCV and TensorFlow do not read XMP; Pillow does."""
    upright = Image.fromarray(_stored(1))
    for (kind, where), encoded in turned_images(upright).items():
        exif = where == "Exif"
        turned = upright.transpose(Image.Transpose.ROTATE_270) if exif else upright
        expected = np.asarray(turned.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).astype(int)
        found = decode_image(encoded, SIDE)
        np.testing.assert_allclose(found, expected, atol=14, err_msg=f"{kind}, {where}")
    tried("images", "an orientation that stands in XMP alone", "not applied, as in browsers")


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("in_exif", [True, False], ids=["Exif too", "no Exif"])
def test_heic_is_turned_once(orientation, in_exif, tried):
    _assert_upright(heic(_stored(orientation), orientation, in_exif))
    if orientation == 6 and in_exif:
        tried("images", "a HEIC photograph of a phone that was held upright", "decoded upright")


@pytest.mark.parametrize("suffix", ["heic", "HEIF", "hif"])
def test_a_folder_of_heic_is_read(tmp_path, suffix):
    for number, name in enumerate(("apple", "pear")):
        (tmp_path / "train" / name).mkdir(parents=True)
        path = tmp_path / "train" / name / f"0.{suffix}"
        path.write_bytes(heic(np.full((40, 60, 3), 100 * number, "uint8")))
    split = open_split(tmp_path, "train")
    assert (split.size, split.left_out) == (2, {})


def test_half_a_heic_is_broken():
    encoded = heic(np.random.default_rng(0).integers(0, 256, (80, 120, 3), "uint8"))
    with pytest.raises(ValueError, match=r"cannot be decoded.*Received: image$"):
        decode_image(encoded[: len(encoded) // 2], SIDE)
