"""Shared by the tests: real images, mains as subprocesses, a trained model, NumPy derivations."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.fork_server import FORKS, ForkServer

ROOT = pathlib.Path(__file__).parents[1]
GROCERY = ROOT / "data" / "grocery_mini"
TINY_CLASSES = ("Anjou", "Arla-Standard-Milk", "Orange")
_LONGEST = (
    "tests/export",
    "tests/faults/test_faults.py",
    "tests/backbones/test_applications.py",
    "tests/training/test_session.py",
    "tests/closed_form/test_closed_form.py",
)
TINY_SIZE = 128  # pixels: a map of 4 x 4 cells, so 2 x 2 windows of 3 x 3


def pytest_addoption(parser):
    parser.addoption(
        "--reliability",
        metavar="FILE",
        help="JSON file to write: each bad input and fault of the tests that passed, and what the "
        "product said to it; docs/reliability.md shows it as a table.",
    )
    parser.addoption(
        "--fuzz",
        action="store_true",
        help="Damage thousands of images and hundreds of files (tests/fuzz), not just a few.",
    )
    parser.addoption(
        "--seed",
        type=int,
        default=0,
        help="Number added to every seed of the tests, of their data and of initial weights.",
    )


def pytest_configure(config):
    if config.option.reliability:
        config.pluginmanager.register(_ReliabilityTable(config.option.reliability))
    if config.option.seed:
        _shift_seeds(config.option.seed)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Keeps what shares its fixtures in one worker, and starts what takes longest first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path.relative_to(ROOT))))
    longest_first = {path: rank for rank, path in enumerate(_LONGEST)}
    items.sort(key=lambda item: longest_first.get(_group(item.path.relative_to(ROOT)), len(items)))


def _group(path):
    """The file of a test, or the folder whose files share what takes long to make."""
    return "tests/export" if path.parts[1] == "export" else path.as_posix()


def pytest_runtest_setup(item):
    """Every test, and the fixtures that it is the first to need, draws from the same start."""
    random.seed(item.config.option.seed)  # Keras takes the seeds of initial weights from it
    np.random.seed(item.config.option.seed)


def _shift_seeds(by):
    """Adds a number to every seed that the tests, not the product, hand over."""
    import keras

    def shift(module, name):
        seeded = getattr(module, name)

        def shifted(seed):
            caller = sys._getframe(1).f_code.co_filename
            own = pathlib.Path(caller).is_relative_to(ROOT / "tests")
            return seeded(seed + by if own else seed)

        setattr(module, name, shifted)

    shift(np.random, "default_rng")
    shift(keras.utils, "set_random_seed")


class _ReliabilityTable:
    """Writes what the passed tests noted with `tried`."""

    def __init__(self, path):
        self._path, self._rows = pathlib.Path(path), []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self._rows += [row for name, row in report.user_properties if name == "tried"]

    def pytest_sessionfinish(self):
        rows = sorted(self._rows, key=lambda row: (row["area"], row["tried"]))
        self._path.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


@pytest.fixture
def tried(request, tmp_path_factory):
    """A function that notes a bad input or a fault and what the product said to it.

    `tried("images", "a FIFO named x.jpg", message)` is one row of docs/reliability.md: the area,
    what was tried, and the message or the result, in which the folder of the tests is left out.
    """

    def note(area, what, said):
        text = str(said).replace(f"{tmp_path_factory.getbasetemp()}/", "")
        row = {"area": area, "tried": what, "said": " ".join(text.split())}
        request.node.user_properties.append(("tried", row))

    return note


@pytest.fixture(scope="session")
def grocery():
    """The folder of 512 real photographs that comes with the project."""
    return GROCERY


@pytest.fixture(scope="session")
def copy_images():
    """A function that copies the first real images of some classes: `split/class/*.jpg`."""

    def copy(target, counts, classes=TINY_CLASSES):
        for split, count in counts.items():
            for name in classes:
                folder = target / split / name
                folder.mkdir(parents=True)
                source = "test" if split == "test" else "train"
                for path in sorted((GROCERY / source / name).iterdir())[:count]:
                    shutil.copy(path, folder)
        return target

    return copy


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory, copy_images):
    """Three easy classes, six images each to train on and four to test on. Do not change it."""
    folder = copy_images(tmp_path_factory.mktemp("data") / "tiny", {"train": 6, "test": 4})
    shutil.copy(GROCERY / "classes.csv", folder)
    return folder


@pytest.fixture(scope="session")
def run_main():
    """A function that runs `python -m MODULE ARGUMENTS` and gives back the completed process."""

    def run(module, *arguments, cwd=ROOT, **environment):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=cwd,
            env=_ordinary_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def fork_server():
    """The `ForkServer` of this test process; it starts when it is first used."""
    server = ForkServer(ROOT, _ordinary_environment())
    yield server
    server.close()


@pytest.fixture(scope="session")
def fork_main(run_main, fork_server):
    """A function like `run_main`, which takes no variables and starts where Keras is imported.

    Each run is a process of its own, forked from one that has imported TensorFlow: for mains whose
    start is not what is tried.
    """

    def run(module, *arguments, cwd=ROOT):
        if not FORKS or _ordinary_environment() != fork_server.environment:
            return run_main(module, *arguments, cwd=cwd)
        return fork_server.run(module, *arguments, cwd=cwd)

    return run


def _ordinary_environment():
    """From anywhere, and as under an ordinary terminal: without pytest's own settings."""
    inherited = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    return inherited | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}


@pytest.fixture(scope="session")
def half_written():
    """A function that gives a file beside a target such as a process that was killed leaves."""
    from keras_crosspool.partials import partial_path

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    def name(target):
        path = partial_path(target)
        return path.with_name(path.name.replace(f"-{os.getpid():x}-", f"-{ended.pid:x}-"))

    return name


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny_folder, fork_main, request):
    """The model directory that one run of the training main wrote, and that run's process."""
    directory = tmp_path_factory.mktemp("trained") / "model"
    done = fork_main(
        "keras_crosspool.train",
        f"--data={tiny_folder}",
        "--val_split=test",
        f"--image_size={TINY_SIZE}",
        "--crop_scales=1.0",
        "--feature_channels=16",
        "--guidance_channels=32",
        f"--seed={request.config.option.seed}",
        f"--output={directory}",
    )
    assert done.returncode == 0, done.stderr
    return directory, done


@pytest.fixture(scope="session")
def model_directory(trained):
    """A model directory written by the training main. Do not change it."""
    return trained[0]


@pytest.fixture(scope="session")
def backbone():
    """EfficientNet-Lite0 with its real weights at the tiny size. Do not change its weights."""
    from keras_crosspool.backbones import create_backbone

    return create_backbone("EfficientNetLite0", TINY_SIZE)


@pytest.fixture(scope="session")
def pool_by_loops():
    """`P_k = sum over positions of a[k] * x`, one channel and position after the other."""

    def pool(features, guidance, block=False, root=True, norm=True):
        batch, height, width, dims = features.shape
        channels = guidance.shape[-1]
        descriptor = np.zeros((batch, channels * dims))
        for b in range(batch):
            for k in range(channels):
                for i in range(height):
                    for j in range(width):
                        product = guidance[b, i, j, k] * features[b, i, j].astype("float64")
                        descriptor[b, k * dims : (k + 1) * dims] += product
                if block:
                    part = descriptor[b, k * dims : (k + 1) * dims]
                    part /= np.sqrt(np.sum(part**2))
            if root:
                descriptor[b] = np.sign(descriptor[b]) * np.sqrt(np.abs(descriptor[b]))
            if norm:
                descriptor[b] /= np.sqrt(np.sum(descriptor[b] ** 2))
        return descriptor

    return pool


@pytest.fixture(scope="session")
def windows_by_loops():
    """Every m x n window of every map as a row, top left to bottom right."""

    def windows(maps, rows, columns):
        batch, height, width, channels = maps.shape
        found = [
            maps[b, i : i + rows, j : j + columns].reshape(rows * columns * channels)
            for b in range(batch)
            for i in range(height - rows + 1)
            for j in range(width - columns + 1)
        ]
        return np.array(found, "float64")

    return windows


@pytest.fixture(scope="session")
def train_split(tiny_folder):
    from keras_crosspool.data import open_split

    return open_split(tiny_folder, "train")


@pytest.fixture(scope="session")
def test_split(tiny_folder):
    from keras_crosspool.data import open_split

    return open_split(tiny_folder, "test")


@pytest.fixture(scope="session")
def new_model():
    """A function that builds a small model whose weights nobody else uses."""

    def build(scheme="scheme1", image_size=128, channels=16):
        from keras_crosspool import build_model
        from keras_crosspool.backbones import create_backbone

        backbone = create_backbone("EfficientNetLite0", image_size)
        return build_model(
            backbone,
            3,
            scheme,
            feature_channels=channels,
            guidance_channels=2 * channels,
            region_size=64,
            region_stride=32,
            region_mode="shared",
            grid_guidance_channels=channels,
        )

    return build


@pytest.fixture(scope="session")
def tiny_network():
    """A function that builds a classifier of a few hundred weights: it is traced in no time."""

    def build(image_size=16, classes=3):
        import keras

        from keras_crosspool import CrossPoolClassifier
        from keras_crosspool.models.average_branch import AverageBranch

        keras.utils.set_random_seed(1)
        image = keras.Input((image_size, image_size, 3))
        x = keras.layers.Rescaling(1 / 128, -1)(image)
        # A bias before the norm would have no gradient but rounding.
        x = keras.layers.Conv2D(4, 3, strides=2, use_bias=False, name="first_conv")(x)
        x = keras.layers.BatchNormalization(momentum=0.5, name="first_norm")(x)
        x = keras.layers.Conv2D(8, 3, activation="relu", name="second_conv")(x)
        return CrossPoolClassifier(image, [AverageBranch.build(x)], list("abcdefgh")[:classes])

    return build


@pytest.fixture
def run_workers():
    """A function that calls `function(distribution)` once for each of some workers, in threads."""
    from tests.worker_threads import run_workers

    return run_workers
