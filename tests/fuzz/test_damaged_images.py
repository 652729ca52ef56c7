"""Damaged images: an array or one line that names the file, never anything else.

Every format is damaged in its header, its metadata and its body, and cut. What is damaged in its
metadata alone is still the same image. With `--fuzz` 2000 files, otherwise a few.
"""

import hashlib
import io
import json
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from tests.heic import heic

SIDE = 16
SMOOTH = np.stack(np.meshgrid(np.arange(80) * 3, np.arange(60) * 4), -1).astype("uint8")
SMOOTH = np.concatenate([SMOOTH, np.full((60, 80, 1), 90, "uint8")], axis=-1)
_TIFF_OF_PIXELS = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 339)


def _encode(image, file_format, **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _metadata():
    exif = Image.Exif()
    exif[0x010F], exif[0x011A], exif[0x0112] = "a camera", 72.0, 1
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * 300)
    text.add_text("long", "b" * 3000, zip=True)
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>" * 9)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return exif, text, profile


def _formats():
    """What is damaged: an encoded image of each format, by name."""
    image, (exif, text, profile) = Image.fromarray(SMOOTH), _metadata()
    gray16 = Image.fromarray(SMOOTH[..., 0].astype("uint16") * 257)
    return {
        "jpeg": _encode(image, "jpeg", exif=exif, icc_profile=profile, comment="hello", quality=95),
        "progressive": _encode(image, "jpeg", progressive=True),
        "cmyk": _encode(image.convert("CMYK"), "jpeg"),
        "png": _encode(image, "png", exif=exif, pnginfo=text, icc_profile=profile),
        "palette": _encode(image.convert("P"), "png", transparency=3),
        "png16": _encode(gray16, "png"),
        "webp": _encode(image, "webp", exif=exif, icc_profile=profile, lossless=True),
        "lossy": _encode(image, "webp"),
        "gif": _encode(
            image, "gif", comment="hello", save_all=True, append_images=[image.rotate(9)]
        ),
        "bmp": _encode(image, "bmp"),
        "tiff": _encode(image, "tiff", exif=exif, icc_profile=profile, description="hello there"),
        "lzw": _encode(image, "tiff", compression="tiff_lzw"),
        "tiff16": _encode(gray16, "tiff"),
        "avif": _encode(image, "avif", exif=exif, quality=95),
        "jp2": _encode(image, "jpeg2000"),
        "ppm": _encode(image, "ppm"),
        "heic": heic(SMOOTH, 6),
    }


def _segments(encoded):
    """JPEG: what is in the application segments and the comments."""
    start = 2
    while encoded[start + 1] != 0xDA:
        length = struct.unpack_from(">H", encoded, start + 2)[0]
        if encoded[start + 1] in (0xE1, 0xE2, 0xFE):
            yield start + 4, start + 2 + length
        start += 2 + length


def _chunks(encoded):
    """PNG: data and checksums of the chunks without pixels."""
    start = 8
    while start < len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, start)
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf"):
            yield start + 8, start + 12 + length
        start += 12 + length


def _riff(encoded):
    """WebP: the chunks of metadata."""
    start = 12
    while start < len(encoded):
        kind, length = struct.unpack_from("<4sI", encoded, start)
        if kind in (b"EXIF", b"ICCP"):
            yield start + 8, start + 8 + length
        start += 8 + length + length % 2


def _entries(encoded):
    """TIFF: type, count and value of the entries that do not tell how the pixels lie."""
    (start,) = struct.unpack_from("<I", encoded, 4)
    for entry in range(start + 2, start + 2 + 12 * encoded[start], 12):
        if struct.unpack_from("<H", encoded, entry)[0] not in _TIFF_OF_PIXELS:
            yield entry + 2, entry + 12


def _exif(encoded):
    """AVIF: the Exif item."""
    start = re.search(rb"II\*\0|MM\0\*", encoded).start() - 4
    yield start, start + 64


def _comment(encoded):
    """GIF: the text of its comment."""
    start = encoded.index(b"hello")
    yield start, start + 5


METADATA = {
    "jpeg": _segments, "png": _chunks, "webp": _riff, "tiff": _entries, "avif": _exif,
    "gif": _comment,
}  # fmt: skip


def _damage(encoded, rng):
    """Bytes of the header, of the first part or of all overwritten, or the end cut off."""
    damaged = bytearray(encoded)
    kind = rng.integers(5)
    if kind == 4:
        return bytes(damaged[: rng.integers(len(damaged))])
    if kind == 3:  # a block of zeros, as of a disk that lost a sector
        start = rng.integers(len(damaged))
        damaged[start : start + 64] = bytes(len(damaged[start : start + 64]))
        return bytes(damaged)
    within = min((40, 600, len(damaged))[kind], len(damaged))
    return _overwritten(damaged, np.arange(within), rng)


def _overwritten(encoded, positions, rng):
    damaged = bytearray(encoded)
    for position in rng.choice(positions, rng.integers(1, 6)):
        damaged[position] = rng.choice([0, 255, 127, rng.integers(14), rng.integers(256)])
    return bytes(damaged)


def _write(folder, count):
    """Damaged files, half of them in their metadata alone: folder to write, number of files."""
    rng = np.random.default_rng(0)
    encoded = _formats()
    for number in range(count // 2):
        name = list(encoded)[number % len(encoded)]
        (folder / f"any-{number:04d}-{name}.jpg").write_bytes(_damage(encoded[name], rng))
        name = list(METADATA)[number % len(METADATA)]
        spans = METADATA[name](encoded[name])
        positions = np.concatenate([np.arange(*span) for span in spans])
        file = folder / f"metadata-{number:04d}-{name}.jpg"
        file.write_bytes(_overwritten(encoded[name], positions, rng))


# A file that takes ten seconds of the processor ends the worker by SIGPROF.
WORKER = """
import json, os, signal, sys
from keras_crosspool.data import read_image
folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    signal.setitimer(signal.ITIMER_PROF, 10)
    try:
        said = read_image(os.path.join(folder, name), 16).tolist()
    except ValueError as error:
        said = str(error)
    except BaseException as error:
        said = {"raised": repr(error)}
    print(json.dumps([name, said]), flush=True)
"""


def _contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def damaged(request, tmp_path_factory):
    """The folder of damaged files, and what came of each: pixels, a message, or another error."""
    folder = tmp_path_factory.mktemp("damaged")
    _write(folder, 2000 if request.config.option.fuzz else 96)
    before = _contents(folder)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER, folder],
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = dict(map(json.loads, done.stdout.splitlines()))
    assert done.returncode == 0, f"ended by {done.returncode} after {len(outcomes)} files"
    assert _contents(folder) == before
    return folder, outcomes


def test_an_array_or_one_line_that_names_the_file(damaged, tried):
    folder, outcomes = damaged
    assert outcomes.keys() == _contents(folder).keys()
    decoded = refused = 0
    for name, said in outcomes.items():
        if isinstance(said, list):
            assert np.shape(said) == (SIDE, SIDE, 3)
            decoded += 1
            continue
        assert isinstance(said, str), (name, said)
        assert said.count(name) == 1
        assert said.endswith(f"Received: {folder}/{name}")
        assert "\n" not in said
        refused += 1
    assert decoded
    assert refused
    tried("images", "images damaged at random (tests/fuzz)", "each decoded, or refused by its name")


def test_damaged_metadata_do_not_lose_an_image(damaged, tried):
    square = Image.fromarray(SMOOTH).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    # Damage may turn the image, never change it.
    turned = [
        np.rot90(x, k) for x in (np.array(square), np.array(square)[:, ::-1]) for k in range(4)
    ]
    turned = np.array(turned, int)
    for name, said in damaged[1].items():
        if name.startswith("metadata-"):
            assert isinstance(said, list), (name, said)
            bound = 24 if "-gif" in name else 8  # a palette of 256 colours; the rest but coding
            distances = np.abs(turned - np.array(said)).max(axis=(1, 2, 3))
            assert distances.min() <= bound, (name, distances)
    tried("images", "images damaged in their metadata alone (tests/fuzz)", "decoded")


def test_evaluate_leaves_the_broken_ones_out(
    damaged, model_directory, tiny_folder, fork_main, tmp_path
):
    folder, outcomes = damaged
    (tmp_path / "test").mkdir()
    for name in ("Anjou", "Arla-Standard-Milk", "Orange"):
        (tmp_path / "test" / name).symlink_to(tiny_folder / "test" / name)
    (tmp_path / "test" / "Orange").unlink()
    (tmp_path / "test" / "Orange").symlink_to(folder)
    before = _contents(folder)
    done = fork_main(
        "keras_crosspool.evaluate",
        f"--model={model_directory}",
        f"--data={tmp_path}",
        "--skip_broken",
        f"--json={tmp_path}/scores.json",
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    scores = json.loads((tmp_path / "scores.json").read_text())
    refused = sum(isinstance(said, str) for said in outcomes.values())
    assert scores["images"] == 8 + len(outcomes) - refused
    assert sum(scores["left_out"].values()) == refused
    assert _contents(folder) == before
