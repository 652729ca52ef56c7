"""Every kind of picture decodes to the right RGB values."""

import io
import warnings
from concurrent import futures

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.data import decode_picture, read_picture

SIDE = 16


def _encode(picture, file_format="png", **options):
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def _noise(height=60, width=80, channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, channels), dtype="uint8")


def _palette(colour, **options):
    picture = Image.new("P", (20, 30))
    picture.putpalette([*colour, *range(9)])
    return _encode(picture, **options)


def _gray16(value):
    return _encode(Image.fromarray(np.full((30, 20), value, "uint16")))


# What is encoded, and the one colour that it must decode to.
PLAIN = {
    "gray": (_encode(Image.new("L", (20, 30), 77)), (77, 77, 77)),
    "gray JPEG": (_encode(Image.new("L", (20, 30), 77), "jpeg"), (77, 77, 77)),
    "black and white": (_encode(Image.new("1", (20, 30), 1)), (255, 255, 255)),
    "16-bit gray": (_gray16(77 * 257), (77, 77, 77)),
    "16-bit gray, dark": (_gray16(1000), (3, 3, 3)),
    "RGB": (_encode(Image.new("RGB", (20, 30), (10, 200, 30))), (10, 200, 30)),
    "opaque RGBA": (_encode(Image.new("RGBA", (20, 30), (10, 200, 30, 255))), (10, 200, 30)),
    "clear RGBA": (_encode(Image.new("RGBA", (20, 30), (10, 200, 30, 0))), (255, 255, 255)),
    "half clear RGBA": (_encode(Image.new("RGBA", (20, 30), (0, 100, 200, 51))), (204, 224, 244)),
    "clear gray": (_encode(Image.new("LA", (20, 30), (0, 0))), (255, 255, 255)),
    "palette": (_palette((250, 20, 30)), (250, 20, 30)),
    "clear palette": (_palette((250, 20, 30), transparency=0), (255, 255, 255)),
    "CMYK": (_encode(Image.new("CMYK", (20, 30), (0, 255, 255, 0)), "jpeg"), (255, 0, 0)),
    "CMYK, black plate": (_encode(Image.new("CMYK", (20, 30), (0, 0, 0, 155)), "jpeg"), (100,) * 3),
    "WebP": (
        _encode(Image.new("RGB", (20, 30), (9, 99, 199)), "webp", lossless=True),
        (9, 99, 199),
    ),
    "BMP": (_encode(Image.new("RGB", (20, 30), (9, 99, 199)), "bmp"), (9, 99, 199)),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_colour(kind):
    encoded, colour = PLAIN[kind]
    picture = decode_picture(encoded, SIDE)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_allclose(picture.reshape(-1, 3).astype(int), [colour] * SIDE**2, atol=2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_applied(orientation):
    upright = np.zeros((40, 60, 3), "uint8")
    upright[:20, :30] = 255, 0, 0  # red top left, green top right, blue below
    upright[:20, 30:] = 0, 255, 0
    upright[20:] = 0, 0, 255
    # How a camera stores that picture under each orientation (Exif 2.3, table of tag 274).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    file = _encode(Image.fromarray(np.ascontiguousarray(stored)), "jpeg", exif=exif, quality=95)
    picture = decode_picture(file, SIDE).astype(int)
    np.testing.assert_allclose(picture[2, 2], (255, 0, 0), atol=12)
    np.testing.assert_allclose(picture[2, -3], (0, 255, 0), atol=12)
    np.testing.assert_allclose(picture[-3, 2], (0, 0, 255), atol=12)


def test_resize_covers_the_whole_picture_and_averages():
    stripes = np.zeros((64, 128, 3), "uint8")
    stripes[:, ::2] = 255  # finer than the target: every target pixel is half white
    picture = decode_picture(_encode(Image.fromarray(stripes)), SIDE)
    np.testing.assert_allclose(picture[:, 2:-2].astype(int), 127, atol=3)
    corners = np.zeros((64, 128, 3), "uint8")
    corners[:16, :32] = corners[-16:, -32:] = 255
    picture = decode_picture(_encode(Image.fromarray(corners)), SIDE)
    assert picture[0, 0].tolist() == picture[-1, -1].tolist() == [255, 255, 255]
    assert picture[0, -1].tolist() == picture[-1, 0].tolist() == [0, 0, 0]


def test_a_real_photograph_at_its_own_size_is_what_pillow_reads(grocery):
    path = sorted((grocery / "test" / "Anjou").iterdir())[0]
    with Image.open(path) as picture:
        assert picture.size == (224, 224)
        np.testing.assert_array_equal(read_picture(path, 224), np.asarray(picture))


BROKEN = {
    "empty": b"",
    "text": b"This is a text file with the name of a picture.\n",
    "truncated JPEG": _encode(Image.fromarray(_noise()), "jpeg")[:-400],
    "half a JPEG": _encode(Image.fromarray(_noise()), "jpeg")[:2000],
    "half a progressive JPEG": _encode(Image.fromarray(_noise()), "jpeg", progressive=True)[:2000],
    "half a PNG": _encode(Image.fromarray(_noise()))[:5000],
    "PNG header alone": b"\x89PNG\r\n\x1a\n",
    "damaged PNG": _encode(Image.fromarray(_noise())).replace(b"IDAT", b"IDXX", 1),
    "flipped bit in a PNG": bytes(
        byte ^ (i == 3000) for i, byte in enumerate(_encode(Image.fromarray(_noise())))
    ),
    "half a WebP": _encode(Image.fromarray(_noise()), "webp")[:500],
    "half a BMP": _encode(Image.fromarray(_noise()), "bmp")[:5000],
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("image_size", [8, 224])
def test_a_broken_picture_is_named(kind, image_size):
    with pytest.raises(ValueError, match=r"cannot be decoded .*Received: photo\.jpg$"):
        decode_picture(BROKEN[kind], image_size, name="photo.jpg")


# Damage to a size may make a picture look huge.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("file_format", ["jpeg", "png", "webp", "bmp", "gif"])
def test_damage_anywhere_never_escapes_as_another_error(file_format):
    encoded = _encode(Image.fromarray(_noise()), file_format)
    rng = np.random.default_rng(0)
    refused = []
    for _ in range(300):
        damaged = bytearray(encoded)
        for place in rng.integers(0, rng.choice([30, 300, len(encoded)]), 3):
            damaged[place] = rng.integers(256)
        try:
            decode_picture(bytes(damaged), SIDE, name="NAME")
        except ValueError as error:
            refused.append(str(error))
    assert refused
    assert all("Received: NAME" in message for message in refused)


def test_decoding_in_threads_leaves_the_warning_filters_alone():
    # `warnings.catch_warnings` is not made for threads, and the pipeline decodes in many.
    encoded = _encode(Image.fromarray(_noise()), "jpeg")
    before = list(warnings.filters)
    with futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: decode_picture(encoded, SIDE), range(200)))
    assert list(warnings.filters) == before


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"decompression bomb.*Received: big\.png"):
        decode_picture(_encode(Image.new("L", (100, 100))), SIDE, name="big.png")


def test_a_very_large_photograph_is_no_bomb(monkeypatch):
    # Pillow warns above 89 megapixels, which telephones reach, and refuses above 179.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.warns(Image.DecompressionBombWarning):
        picture = decode_picture(_encode(Image.new("L", (40, 40), 9)), SIDE)
    assert (picture == 9).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such picture.*Received: .*none\.jpg"):
        read_picture(tmp_path / "none.jpg", SIDE)
    with pytest.raises(FileNotFoundError, match="no such picture"):
        read_picture(tmp_path, SIDE)
