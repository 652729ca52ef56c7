"""The page in a headless browser: it says of real images what Keras says."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_crosspool.data.images import decode_image
from keras_crosspool.evaluation.contributions import position_contributions
from keras_crosspool.evaluation.heat_map import heat_map
from keras_crosspool.exporting.parity_result import TOLERANCES
from keras_crosspool.page.api import HEAT_MAP_TOLERANCES, STATIC, write_page
from keras_crosspool.targets import TARGETS
from keras_crosspool.targets.rejection import CONFIDENCES
from tests.page.conftest import SIZE
from tests.turned_images import turned_images

_LISTEN = "window.answers = []; document.addEventListener('answer', (e) => answers.push(e.detail))"


@pytest.fixture
def opened(chromium, serve):
    """A function that opens a page, waits until it is ready and gives its address."""

    def open_page(folder):
        url = serve(folder)
        chromium.forget_requests()
        chromium.open(url)
        chromium.wait_for("document.querySelector('#status').textContent === 'Ready.'")
        chromium.evaluate(_LISTEN)
        return url

    return open_page


@pytest.fixture
def variant(page_folder, tmp_path):
    """A function that copies the page and changes what its record says of the model."""

    def make(**fields):
        shutil.copytree(page_folder, tmp_path / "page")
        path = tmp_path / "page" / "model.onnx.json"
        record = json.loads(path.read_text())
        record["model"] |= fields
        path.write_text(json.dumps(record))
        return tmp_path / "page"

    return make


def _next_answer(chromium):
    return json.loads(
        chromium.wait_for(
            "answers.length && JSON.stringify((({heatMap, ...rest}) =>"
            " ({...rest, heatMap: [...heatMap]}))(answers.shift()))"
        )
    )


def _check(
    answer, model, pixels, precision="float32", heat_map_limit=HEAT_MAP_TOLERANCES["float32"]
):
    """Compares an answer of the page with Keras on the pixels that Python reads."""
    image = pixels[None].astype("float32")
    (logits,) = model.predict_on_batch(image)
    limit = TOLERANCES[precision].max_abs * np.ptp(logits)
    np.testing.assert_allclose(answer["logits"], logits, atol=limit)
    best = int(logits.argmax())
    contributions, _ = position_contributions(model, image, np.array([[best]]))
    expected = heat_map(model, contributions)[0, 0].ravel()
    wrong = np.abs(np.array(answer["heatMap"]) - expected).max() / np.ptp(expected)
    assert wrong <= heat_map_limit
    assert answer["best"] == model.class_names[best]
    shown = [row["name"] for row in answer["listed"]]
    assert shown == [model.class_names[i] for i in np.argsort(-logits, kind="stable")]
    probabilities = np.sort(TARGETS[model.task].probabilities(logits))[::-1]
    found = [row["probability"] for row in answer["listed"]]
    np.testing.assert_allclose(found, probabilities, atol=limit)


def test_dropped_images_are_scored_as_by_keras(
    opened, chromium, page_folder, page_source, tiny_folder
):
    url = opened(page_folder)
    model = page_source.original
    paths = sorted((tiny_folder / "test").glob("*/*.jpg"))[::3]
    for path in paths:
        chromium.drop(path)
        answer = _next_answer(chromium)
        _check(answer, model, decode_image(path.read_bytes(), SIZE))
        assert chromium.text("#headline") == answer["best"]
        assert answer["best"] in chromium.text("#scores")
        assert "ms from the file to the answer" in chromium.text("#time")
    assert all(address.startswith((url, f"blob:{url}")) for address in chromium.requests())


def test_a_page_with_weights_in_float16(
    opened, chromium, page_source, explained, page_comparator, runtime, tiny_folder, tmp_path
):
    write_page(tmp_path / "page", explained, page_comparator, runtime, "float16")
    opened(tmp_path / "page")
    path = next((tiny_folder / "test").glob("*/*.jpg"))
    chromium.drop(path)
    pixels = decode_image(path.read_bytes(), SIZE)
    limit = HEAT_MAP_TOLERANCES["float16"]
    _check(_next_answer(chromium), page_source.original, pixels, "float16", limit)


def test_a_photograph_of_a_phone_is_chosen(
    opened, chromium, page_folder, page_source, tiny_folder, tmp_path
):
    opened(page_folder)
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "<b>phone.jpg"
    original = next((tiny_folder / "test").glob("*/*.jpg"))
    Image.open(original).resize((1200, 901)).save(path, exif=exif, quality=85)
    chromium.choose(path, "#camera")
    answer = _next_answer(chromium)
    # The browser rounds colours before it averages, Python after.
    _check(answer, page_source.original, decode_image(path.read_bytes(), SIZE), "float16", 0.02)
    assert chromium.text("#status") == "<b>phone.jpg"


def test_what_is_no_image_is_refused_in_words(opened, chromium, page_folder, tmp_path):
    opened(page_folder)
    (tmp_path / "notes.txt").write_text("a shopping list")
    chromium.drop(tmp_path / "notes.txt")
    chromium.wait_for("document.querySelector('#status.alert') !== null")
    assert chromium.text("#status") == (
        "This browser cannot read the file as an image: choose a JPEG, PNG or WebP file. "
        "Received: notes.txt"
    )
    assert chromium.evaluate("document.querySelector('#result').hidden")
    assert chromium.evaluate("answers.length") == 0


def test_an_image_is_none_of_the_classes(opened, chromium, variant, tiny_folder):
    opened(variant(rejection={"confidence": "max_logit", "threshold": 1e6}))
    chromium.drop(next((tiny_folder / "test").glob("*/*.jpg")))
    assert _next_answer(chromium)["refused"]
    assert chromium.text("#headline") == "None of these 3 classes"
    assert chromium.text("#remark") == "The nearest ones:"


def test_labels_over_their_thresholds_are_shown(opened, chromium, variant, page_source, grocery):
    path = next((grocery / "test").glob("*/*.jpg"))
    pixels = decode_image(path.read_bytes(), SIZE)[None].astype("float32")
    (logits,) = page_source.original.predict_on_batch(pixels)
    probabilities = 1 / (1 + np.exp(-logits))
    # Of the first label just over its threshold, of the second just under, of the third over.
    thresholds = probabilities + np.array([-0.01, 0.01, -0.01])
    names = np.array(page_source.original.class_names)
    opened(variant(task="multi_label", thresholds=thresholds.tolist()))
    chromium.drop(path)
    answer = _next_answer(chromium)
    expected = names[[i for i in np.argsort(-logits) if i != 1]].tolist()
    assert [row["name"] for row in answer["listed"]] == expected
    assert chromium.text("#headline") == ", ".join(expected)
    found = [row["probability"] for row in answer["listed"]]
    np.testing.assert_allclose(found, np.sort(np.delete(probabilities, 1))[::-1], atol=1e-4)


def test_a_missing_file_of_the_page_is_told(chromium, serve, variant):
    folder = variant()
    (folder / "model.onnx").unlink()
    chromium.open(serve(folder))
    chromium.wait_for("document.querySelector('#status.alert') !== null")
    assert chromium.text("#status").endswith("write the page again. Received: model.onnx")


def test_the_page_fits_a_phone_and_the_keyboard(opened, chromium, page_folder, tiny_folder):
    opened(page_folder)
    screen = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    chromium.send("Emulation.setDeviceMetricsOverride", **screen)
    chromium.drop(next((tiny_folder / "test").glob("*/*.jpg")))
    _next_answer(chromium)
    assert chromium.evaluate("document.documentElement.scrollWidth") == 320
    for kind in ("keyDown", "keyUp"):
        chromium.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab")
    assert chromium.evaluate("document.activeElement.id") == "file"
    chromium.send("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_confidences_are_those_of_python(chromium, serve, confidence):
    logits = np.random.default_rng(0).normal(0, 4, (20, 5))
    expected = CONFIDENCES[confidence](logits)
    chromium.open(serve(STATIC))
    found = chromium.evaluate(
        f"import('/answer.js').then((m) => {logits.tolist()}.map(m.CONFIDENCES.{confidence}))"
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_images_are_read_as_by_python(chromium, serve, grocery):
    chromium.open(serve(STATIC))
    for name, encoded in _encoded_images(grocery).items():
        for size in (64, 224):
            found = _square(chromium, encoded, size)
            expected = decode_image(encoded, size)
            # Chromium averages colours after they are RGB, Pillow before; both round.
            most, mean = (30, 1.0) if name.startswith("large JPEG") else (0, 0)
            difference = np.abs(found.astype(int) - expected)
            assert difference.max() <= most, (name, size)
            assert difference.mean() <= mean, (name, size)


def test_an_orientation_counts_where_python_counts_it(chromium, serve, grocery):
    chromium.open(serve(STATIC))
    image = Image.open(next((grocery / "test").glob("*/*.jpg"))).resize((113, 97))
    for (kind, where), encoded in turned_images(image).items():
        if kind == "tiff":
            continue  # no browser reads it but Safari
        difference = _square(chromium, encoded, 64).astype(int) - decode_image(encoded, 64)
        most = 3 if kind == "avif" else 0  # its colours are converted by another library
        assert np.abs(difference).max() <= most, (kind, where)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_the_image_is_shown_upright(opened, chromium, page_folder, grocery, tmp_path, kind):
    opened(page_folder)
    small = Image.open(next((grocery / "test").glob("*/*.jpg"))).resize((113, 97))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        path = tmp_path / f"{orientation}.{kind}"
        options = {"quality": 95} if kind == "jpeg" else {"lossless": True}
        path.write_bytes(_encode(small, kind, exif=exif, **options))
        chromium.drop(path)
        _next_answer(chromium)
        shown = _shown(chromium)
        with Image.open(path) as turned:
            expected = np.asarray(ImageOps.exif_transpose(turned).convert("RGB")).astype(int)
        assert shown.shape == expected.shape, orientation
        assert np.abs(shown - expected).max() <= 3, orientation  # Chromium's own colours of a JPEG


def _shown(chromium):
    """The pixels of the image that the page shows, int `(height, width, 3)`."""
    pixels = json.loads(
        chromium.evaluate(
            "(async () => { const image = document.querySelector('#image');"
            " await image.decode(); const canvas = document.createElement('canvas');"
            " canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;"
            " const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);"
            " const { data, width, height } ="
            "   context.getImageData(0, 0, canvas.width, canvas.height);"
            " return JSON.stringify({ data: [...data], width, height }); })()"
        )
    )
    shape = pixels["height"], pixels["width"], 4
    return np.array(pixels["data"]).reshape(shape)[..., :3]


def _encoded_images(grocery):
    """Images of every kind that the page reads, by name, encoded."""
    paths = sorted((grocery / "test").glob("*/*.jpg"))
    large = Image.new("RGB", (701, 517))
    for i, (x, y) in enumerate((x, y) for x in range(0, 701, 224) for y in range(0, 517, 224)):
        large.paste(Image.open(paths[i]), (x, y))
    small = large.resize((113, 97))
    clear = small.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(small.size))
    images = {
        "PNG": _encode(large, "png"),
        "enlarged PNG": _encode(small.crop((0, 0, 50, 60)), "png"),
        "gray PNG": _encode(large.convert("L"), "png"),
        "transparent PNG": _encode(clear, "png"),
        "WebP": _encode(small, "webp", lossless=True),
        "JPEG": _encode(small, "jpeg"),
        "progressive JPEG": _encode(small, "jpeg", progressive=True),
        "large JPEG": _encode(large, "jpeg", quality=90),
        "large JPEG of full colours": _encode(large, "jpeg", quality=90, subsampling=0),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        for kind, options in {"jpeg": {}, "png": {}, "webp": {"lossless": True}}.items():
            images[f"{kind} turned by {orientation}"] = _encode(small, kind, exif=exif, **options)
    return images


def _encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _square(chromium, encoded, size):
    """What the page reads of an encoded image, uint8 `(size, size, 3)`."""
    text = base64.b64encode(encoded).decode()
    found = chromium.evaluate(
        f"import('/pixels.js').then(async ({{readSquare}}) => {{"
        f" const bytes = Uint8Array.from(atob('{text}'), (c) => c.charCodeAt(0));"
        f" const square = await readSquare(new Blob([bytes]), {size});"
        " return btoa(Array.from(square, (value) => String.fromCharCode(value)).join('')); })"
    )
    return np.frombuffer(base64.b64decode(found), "uint8").reshape(size, size, 3)
