"""Shared by the tests: small folders of real pictures, mains as subprocesses, a trained model."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
GROCERY = ROOT / "data" / "grocery_mini"
TINY_CLASSES = ("Anjou", "Arla-Standard-Milk", "Orange")
TINY_SIZE = 128  # pixels: a map of 4 x 4 cells, so 2 x 2 windows of 3 x 3


@pytest.fixture(scope="session")
def grocery():
    """The folder of 512 real photographs that comes with the project."""
    return GROCERY


@pytest.fixture(scope="session")
def copy_pictures():
    """A function that copies the first real pictures of some classes: `split/class/*.jpg`."""

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
def tiny_folder(tmp_path_factory, copy_pictures):
    """Three easy classes, six pictures each to train on and four to test on. Do not change it."""
    folder = copy_pictures(tmp_path_factory.mktemp("data") / "tiny", {"train": 6, "test": 4})
    shutil.copy(GROCERY / "classes.csv", folder)
    return folder


@pytest.fixture(scope="session")
def run_main():
    """A function that runs `python -m MODULE ARGUMENTS` and gives back the completed process."""

    def run(module, *arguments, cwd=ROOT, **environment):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=cwd,
            # From anywhere, and as under an ordinary terminal: without pytest's own settings.
            env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny_folder, run_main):
    """The model directory that one run of the training main wrote, and that run's process."""
    directory = tmp_path_factory.mktemp("trained") / "model"
    done = run_main(
        "keras_crosspool.train",
        f"--data={tiny_folder}",
        "--val_split=test",
        f"--image_size={TINY_SIZE}",
        "--feature_channels=16",
        "--guidance_channels=32",
        f"--output={directory}",
    )
    assert done.returncode == 0, done.stderr
    return directory, done


@pytest.fixture(scope="session")
def model_directory(trained):
    """A model directory written by the training main. Do not change it."""
    return trained[0]
