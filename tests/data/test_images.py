"""Every kind of image decodes to the right RGB values."""

import io
import os
import struct
import subprocess
import sys
import warnings
from concurrent import futures

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from keras_crosspool.data import decode_image, pixels, read_image

SIDE = 16


def _encode(image, file_format="png", **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _noise(height=60, width=80, channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, channels), dtype="uint8")


def _palette(colour, **options):
    image = Image.new("P", (20, 30))
    image.putpalette([*colour, *range(9)])
    return _encode(image, **options)


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
    image = decode_image(encoded, SIDE)
    assert image.shape == (SIDE, SIDE, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image.reshape(-1, 3).astype(int), [colour] * SIDE**2, atol=2)


def test_resize_covers_the_whole_image_and_averages():
    stripes = np.zeros((64, 128, 3), "uint8")
    stripes[:, ::2] = 255  # finer than the target: every target pixel is half white
    image = decode_image(_encode(Image.fromarray(stripes)), SIDE)
    np.testing.assert_allclose(image[:, 2:-2].astype(int), 127, atol=3)
    corners = np.zeros((64, 128, 3), "uint8")
    corners[:16, :32] = corners[-16:, -32:] = 255
    image = decode_image(_encode(Image.fromarray(corners)), SIDE)
    assert image[0, 0].tolist() == image[-1, -1].tolist() == [255, 255, 255]
    assert image[0, -1].tolist() == image[-1, 0].tolist() == [0, 0, 0]


def test_a_real_photograph_at_its_own_size_is_what_pillow_reads(grocery):
    path = sorted((grocery / "test" / "Anjou").iterdir())[0]
    with Image.open(path) as image:
        assert image.size == (224, 224)
        np.testing.assert_array_equal(read_image(path, 224), np.asarray(image))


BROKEN = {
    "empty": b"",
    "text": b"This is a text file with the name of an image.\n",
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
def test_a_broken_image_is_named(kind, image_size):
    with pytest.raises(ValueError, match=r"cannot be decoded .*Received: photo\.jpg$"):
        decode_image(BROKEN[kind], image_size, name="photo.jpg")


def test_decoding_in_threads_leaves_the_warning_filters_alone():
    # `warnings.catch_warnings` is not made for threads, and the pipeline decodes in many.
    encoded = _encode(Image.fromarray(_noise()), "jpeg")
    before = list(warnings.filters)
    with futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: decode_image(encoded, SIDE), range(200)))
    assert list(warnings.filters) == before


def test_the_limit_is_the_callers_own(monkeypatch):
    encoded = _encode(Image.new("L", (2000, 1500)))  # 3 megapixels
    with pytest.raises(
        ValueError, match=r"2000 x 1500 .*at most 2\.9.*`max_megapixels`.*Received: big\.png$"
    ):
        decode_image(encoded, SIDE, name="big.png", max_megapixels=2.9)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow's, of the whole process
    assert (decode_image(encoded, SIDE, max_megapixels=3) == 0).all()


def test_long_texts_of_a_png_do_not_lose_it(tried):
    text = PngImagePlugin.PngInfo()
    text.add_text("plain", "a" * 2_000_000)
    text.add_text("compressed", "b" * 70_000_000, zip=True)
    exif = Image.Exif()
    exif[274] = 6  # stored lying on its left side
    stored = np.zeros((20, 20, 3), "uint8")
    stored[:, :10] = 255
    encoded = _encode(Image.fromarray(stored), pnginfo=text, exif=exif)
    with pytest.raises(ValueError, match="too large"):
        Image.open(io.BytesIO(encoded)).load()
    image = decode_image(encoded, 20)
    assert (image[:10] == 255).all()
    assert (image[10:] == 0).all()
    tried("images", "a PNG with texts of 2 and 70 MB", "decoded")


# What says in numbers that are neither 8 nor 16 bits which one is white, and what it decodes to.
SCALES = {
    "a float TIFF from 0 to 1": (np.float32([[0, 0.5], [1, 0.25]]), [[0, 128], [255, 64]]),
    "a float TIFF from 0 to 255": (np.float32([[0, 128], [255, 64]]), r"floating-point.*8 or 16"),
    "a float TIFF with NaN": (np.float32([[0, np.nan], [1, 0]]), r"floating-point.*8 or 16"),
    "a TIFF of 32-bit integers": (np.int32([[0, 128], [255, 64]]), r"32-bit integers.*8 or 16"),
    "a TIFF of 16-bit integers": (np.uint16([[0, 128], [255, 64]]) * 257, [[0, 128], [255, 64]]),
}


@pytest.mark.parametrize("kind", SCALES)
def test_numbers_without_a_known_white_are_refused(kind, tried):
    values, expected = SCALES[kind]
    encoded = _encode(Image.fromarray(values), "tiff")
    if isinstance(expected, list):
        assert decode_image(encoded, 2)[..., 1].tolist() == expected
        tried("images", kind, "decoded")
        return
    with pytest.raises(ValueError, match=rf"{expected}.*Received: x\.tif$") as error:
        decode_image(encoded, 2, name="x.tif")
    tried("images", kind, error.value)


def test_a_bmp_whose_alpha_was_left_at_zero_is_opaque(tried):
    colours = np.zeros((4, 4, 4), "uint8")
    colours[..., 0] = 200  # red; alpha 0
    # A header of version 3 with the masks of four channels (BITMAPV3INFOHEADER).
    masks = struct.pack("<4I", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 56, 4, 4, 1, 32, 3, 64, 0, 0, 0, 0) + masks
    file = b"BM" + struct.pack("<IHHI", 14 + 56 + 64, 0, 0, 14 + 56) + header
    assert (decode_image(file + colours.tobytes(), 4) == [200, 0, 0]).all()
    colours[..., 3] = 51  # now alpha means something: a fifth red on white
    assert (decode_image(file + colours.tobytes(), 4) == [244, 204, 204]).all()
    tried("images", "a BMP whose alpha is zero everywhere", "decoded")


@pytest.mark.parametrize("file_format", ["gif", "webp", "tiff", "png", "avif"])
def test_the_first_of_several_frames_counts(file_format, tried):
    first, second = (Image.new("RGB", (20, 20), colour) for colour in ("red", "blue"))
    encoded = _encode(first, file_format, save_all=True, append_images=[second])
    np.testing.assert_allclose(decode_image(encoded, SIDE)[8, 8], [255, 0, 0], atol=4)
    tried("images", f"{file_format.upper()} of two frames", "decoded, the first frame")


def test_no_other_program_is_started(monkeypatch, tried):
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(os, "system", None)
    file = io.BytesIO()
    Image.new("RGB", (20, 20)).save(file, "eps")
    with pytest.raises(ValueError, match=r"unknown format.*Received: x\.jpg$") as error:
        decode_image(file.getvalue(), SIDE, name="x.jpg")
    tried("images", "EPS, which Ghostscript would draw, named x.jpg", error.value)


LARGE = {
    "RGB": _noise(301, 403),
    "RGBA": _noise(301, 403, 4),
    "gray": _noise(301, 403)[..., 0],
    "16-bit gray": _noise(301, 403)[..., 0].astype("uint16") * 257,
    "long": _noise(37, 2003),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_image_is_converted_in_bands_and_looks_the_same(kind, monkeypatch):
    # Smooth, as photographs are: the means of boxes then tell nearly all of an image.
    image = Image.fromarray(LARGE[kind])
    smooth = image.resize((40, 30)).resize(image.size, Image.Resampling.BILINEAR)
    encoded = _encode(smooth, "tiff")
    whole = decode_image(encoded, SIDE).astype(int)
    sizes = []
    convert = pixels._rgb
    monkeypatch.setattr(pixels, "_rgb", lambda x: sizes.append(x.width * x.height) or convert(x))
    monkeypatch.setattr(pixels, "_AT_ONCE", 40_000)
    banded = decode_image(encoded, SIDE).astype(int)
    assert sum(sizes) == image.width * image.height
    assert max(sizes) <= 10_000 + 4 * image.width
    assert np.abs(banded - whole).max() <= 6
    assert np.abs(banded - whole).mean() <= 1


MEASURE = """
import resource, sys
from keras_crosspool.data import decode_image
encoded = open(sys.argv[1], "rb").read()
decode_image(open(sys.argv[2], "rb").read(), 224)  # what is loaded once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
image = decode_image(encoded, 224, max_megapixels=40)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, image[100, 100].tolist())
"""


def test_a_large_png_takes_little_more_memory_than_its_pixels(tmp_path):
    large = Image.new("RGBA", (4500, 4500), (10, 200, 30, 255))
    large.save(tmp_path / "large.png", compress_level=1)
    Image.new("RGBA", (60, 60)).save(tmp_path / "small.png")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "large.png", tmp_path / "small.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes, colour = done.stdout.split(" ", 1)
    assert colour.strip() == "[10, 200, 30]"
    # Four bytes a pixel once, and the bands; each copy would take another 81 MB.
    assert int(kilobytes) * 1024 < 1.6 * 4 * 4500**2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such image.*Received: .*none\.jpg"):
        read_image(tmp_path / "none.jpg", SIDE)
    with pytest.raises(ValueError, match=r"regular file.*Received: .*, which is a folder$"):
        read_image(tmp_path, SIDE)
