"""Update and images of no class, run as a user runs them."""

import json

import pytest

from keras_crosspool import load_model

CLASSES = ("Anjou", "Arla-Standard-Milk", "Nectarine", "Orange")


@pytest.fixture(scope="module")
def folder(fork_main, copy_images, tmp_path_factory):
    """A model of three classes with its descriptors, and photographs of a fourth."""
    folder = tmp_path_factory.mktemp("update")
    copy_images(folder / "old", {"train": 8, "test": 4}, CLASSES[:3])
    copy_images(folder / "new" / "photos", {"train": 8}, CLASSES[3:])
    (folder / "new" / "photos" / "train").rename(folder / "new" / "class_folders")
    done = fork_main(
        "keras_crosspool.train",
        f"--data={folder / 'old'}",
        "--image_size=128",
        "--crop_scales=1",
        "--nomirror",
        "--feature_channels=8",
        "--guidance_channels=16",
        "--keep_descriptors",
        "--nobaseline",
        f"--output={folder / 'model'}",
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_a_class_of_a_folder_without_splits_is_added(fork_main, folder):
    done = fork_main(
        "keras_crosspool.update",
        f"--model={folder / 'model'}",
        f"--data={folder / 'new' / 'class_folders'}",
        f"--output={folder / 'more'}",
    )
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "8 photographs added, 32 altogether; new: Orange; the projection keeps" in words
    assert all(len(line) <= 80 or "/" in line for line in done.stdout.splitlines())
    model, metadata = load_model(folder / "more")
    assert model.class_names == CLASSES
    assert metadata.data["updates"][0]["classes_added"] == ["Orange"]


def test_images_of_no_class_are_measured(fork_main, folder):
    done = fork_main(
        "keras_crosspool.evaluate",
        f"--model={folder / 'model'}",
        f"--unknown={folder / 'new'}",
        f"--json={folder / 'scores.json'}",
    )
    assert done.returncode == 0, done.stderr
    assert "none of the classes: AUROC " in done.stdout
    unknown = json.loads((folder / "scores.json").read_text())["unknown"]
    assert unknown["images"] == 8
    assert 0 <= unknown["accepted_unknown"] <= 1


@pytest.mark.parametrize(
    ("module", "flags", "words"),
    [
        ("update", ["--output=x"], r"added or removed: --data, --remove_classes or --remove_im"),
        ("update", ["--output=x", "--remove_classes=Plum"], r"no such class.*remove_classes=Plum"),
        ("update", ["--output=x", "--data=nowhere"], r"no such folder.*Received: nowhere"),
        ("evaluate", ["--unknown=nowhere"], r"no such folder of images\. Received: "),
    ],
)
def test_bad_input_is_one_line(fork_main, folder, tmp_path, module, flags, words):
    import re

    flags = [flag.replace("=x", f"={tmp_path / 'x'}") for flag in flags]
    done = fork_main(f"keras_crosspool.{module}", f"--model={folder / 'model'}", *flags)
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert re.search(words, line), line
    assert list(tmp_path.iterdir()) == []
