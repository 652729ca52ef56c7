"""A small model with real images, its page, and a browser that looks at it."""

import functools
import http.server
import threading

import keras
import pytest

from keras_crosspool import CrossPoolClassifier
from keras_crosspool.data import load_images
from keras_crosspool.exporting.images import Images
from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.source import make_source
from keras_crosspool.files import default_cache_dir
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.training_scores import TrainingScores
from keras_crosspool.page.api import write_page
from keras_crosspool.page.explained import explained_source
from keras_crosspool.page.runtime import PACKAGE_FILE, find_runtime
from tests.page.chromium import Chromium, find_chromium

SIZE = 128  # photographs of 224 pixels are not decoded at half their size


@pytest.fixture(scope="session")
def make_page_source(tiny_folder, train_split):
    """A function that gives a quick network of a scheme as a `Source`, solved on 18 photographs."""

    def make(scheme="scheme1"):
        keras.utils.set_random_seed(3)
        image = keras.Input((SIZE, SIZE, 3))
        x = keras.layers.Rescaling(1 / 128, -1)(image)
        x = keras.layers.Conv2D(12, 8, strides=8, activation="relu6", name="first")(x)
        x = keras.layers.Conv2D(16, 3, padding="same", activation="relu6", name="second")(x)
        model = CrossPoolClassifier.from_backbone(
            keras.Model(image, x),
            train_split.class_names,
            scheme=scheme,
            features_layer="first",
            guidance_layer="second",
            feature_channels=8,
            guidance_channels=8,
            grid_guidance="selected",
            grid_guidance_channels=8,
            region_size=64,
            region_stride=32,
            region_mode="shared",
        )
        pixels, labels = load_images(train_split, SIZE)
        model.solve(pixels, labels, groups=None, crop_scales=(1.0,), mirror=False)
        data = {"path": str(tiny_folder), "train_split": "train", "val_split": "test"}
        metadata = ModelMetadata(
            "small",
            tuple(train_split.class_names),
            SIZE,
            {},
            {**data, "fingerprint": "-"},
            {},
            TrainingScores(),
        )
        return make_source(model, metadata)

    return make


@pytest.fixture(scope="session")
def page_source(make_page_source):
    return make_page_source()


@pytest.fixture(scope="session")
def explained(page_source):
    """The small model with its heat map, a `Source` that is converted once."""
    return explained_source(page_source)


@pytest.fixture(scope="session")
def page_images(test_split):
    """The twelve images of the test split, `Images`."""
    return Images(*load_images(test_split, SIZE), "tiny", "test")


@pytest.fixture(scope="session")
def page_comparator(page_source, page_images):
    return Comparator.of(page_source, page_images)


@pytest.fixture(scope="session")
def runtime():
    """The bytes of the runtime's package, where it was fetched before."""
    if not (default_cache_dir() / PACKAGE_FILE).is_file():
        pytest.skip(f"no {PACKAGE_FILE} in {default_cache_dir()}: `crosspool page` fetches it")
    return find_runtime()


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory, runtime, explained, page_comparator):
    """The folder of a page. Do not change it."""
    folder = tmp_path_factory.mktemp("page") / "page"
    write_page(folder, explained, page_comparator, runtime)
    return folder


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser; each test opens a page of its own in it."""
    if find_chromium() is None:
        pytest.skip("no chromium: install Debian's package of that name")
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def serve():
    """A function that serves a folder on the loopback address and gives its URL."""
    servers = []

    def start(folder):
        handler = functools.partial(_QuietHandler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
