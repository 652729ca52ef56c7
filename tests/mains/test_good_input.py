"""The mains from photographs to a model, its scores and its predictions."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from keras_crosspool import load_model
from keras_crosspool.data import load_images, open_split, read_image

MAINS = ("train", "evaluate", "predict")


def _odd_images(folder, photo):
    """The same photograph in the modes that photographs come in."""
    with Image.open(photo) as image:
        rgb = image.convert("RGB")
    files = {}
    for mode, ending in (("L", "png"), ("RGBA", "png"), ("CMYK", "jpg"), ("P", "png")):
        files[mode] = folder / f"[bold]{mode}.{ending}"  # a name that a terminal could misread
        rgb.convert(mode).save(files[mode])
    return files


@pytest.fixture(scope="module")
def runs(run_mains, model_directory, tiny_folder, tmp_path_factory):
    """All runs at once, and the folder of what they wrote."""
    folder = tmp_path_factory.mktemp("runs")
    photo = sorted((tiny_folder / "test" / "Orange").iterdir())[0]
    images = _odd_images(folder, photo)
    cases = {f"help {name}": (f"keras_crosspool.{name}", "--help") for name in MAINS}
    cases["evaluate"] = (
        "keras_crosspool.evaluate",
        f"--model={model_directory}",
        f"--json={folder}/scores.json",
    )
    cases["predict"] = (
        "keras_crosspool.predict",
        f"--model={model_directory}",
        "--top=2",
        f"--explain={folder}/where.png",
        f"--json={folder}/predictions.json",
        photo,
        *images.values(),
    )
    return run_mains(cases), folder, [photo, *images.values()]


def test_train_says_what_it_reached(trained):
    directory, done = trained
    scores = load_model(directory)[1].scores
    accuracy, baseline = (x.validation["accuracy"] for x in (scores, scores.baseline))
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert f"{accuracy:.1%}".replace("%", " %") in lines["accuracy"]
    assert f"{baseline:.1%}".replace("%", " %") in lines["baseline"]
    assert lines["next"].split()[1] == "crosspool"
    assert str(directory) in done.stdout
    assert [path.name for path in directory.parent.iterdir()] == ["model"]


def test_help_in_words(runs):
    for name in MAINS:
        done = runs[0][f"help {name}"]
        assert done.returncode == 0
        assert f"python -m keras_crosspool.{name} " in done.stdout
        flags = {line.split(":")[0].strip() for line in done.stdout.splitlines()}
        assert {"train": "--backbone", "evaluate": "--split", "predict": "--explain"}[name] in flags
        assert ("--output" if name == "train" else "--model") in flags


def test_evaluate_scores_the_split(runs, model_directory, tiny_folder):
    done = runs[0]["evaluate"]
    assert done.returncode == 0, done.stderr
    record = json.loads((runs[1] / "scores.json").read_text())
    # Neither data nor split was given: the training data's test split.
    assert (record["data"], record["split"]) == (str(tiny_folder), "test")
    model, metadata = load_model(model_directory)
    split = open_split(tiny_folder, "test", metadata.class_names)
    images, labels = load_images(split, metadata.image_size)
    predicted = np.argmax(model(images.astype("float32")), axis=1)
    assert record["top1"] == pytest.approx((predicted == labels).mean())
    assert record["images"] == 12
    with (tiny_folder / "classes.csv").open() as file:
        coarse = {row["class"]: row["coarse_class"] for row in csv.DictReader(file)}
    names = np.array([coarse[name] for name in metadata.class_names])
    assert record["coarse_top1"] == pytest.approx((names[predicted] == names[labels]).mean())
    for index, name in enumerate(metadata.class_names):
        expected = (predicted[labels == index] == index).mean()
        assert record["classes"][name]["recall"] == pytest.approx(expected)
        assert name in done.stdout
    assert f"top-1 {record['top1']:.4f}" in done.stdout


def test_predict_reads_every_kind_of_image_and_explains(runs, model_directory):
    processes, folder, paths = runs
    done = processes["predict"]
    assert done.returncode == 0, done.stderr
    model, metadata = load_model(model_directory)
    records = json.loads((folder / "predictions.json").read_text())
    assert [record["path"] for record in records] == [str(path) for path in paths]
    for record, path in zip(records, paths, strict=True):
        image = read_image(path, metadata.image_size).astype("float32")
        logits = np.asarray(model(image[None]))[0]
        expected = {
            name: (chance, logit)
            for name, chance, logit in zip(
                metadata.class_names, softmax(logits), logits, strict=True
            )
        }
        assert len(record["classes"]) == 3
        for row in record["classes"]:
            chance, logit = expected[row["class"]]
            assert row["logit"] == pytest.approx(logit, rel=1e-3, abs=1e-3)
            assert row["probability"] == pytest.approx(chance, rel=1e-2, abs=1e-4)
        chances = [row["probability"] for row in record["classes"]]
        assert chances == sorted(chances, reverse=True)
        assert path.name in done.stdout.replace("\n", "")
    # The table shows as many classes as asked for.
    assert all(record["classes"][0]["class"] in done.stdout for record in records)
    assert done.stdout.count("│") == 4 * 2 * len(paths)
    with Image.open(folder / "where.png") as image:
        image.load()
    assert sorted(p.name for p in folder.iterdir() if "[" not in p.name) == [
        "predictions.json",
        "scores.json",
        "where.png",
    ]


def test_import_is_light(run_main):
    """Importing the package brings in none of the libraries that only some commands need."""
    code = (
        "import sys, keras; before = set(sys.modules); import keras_crosspool; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before}); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = run_main("timeit", "-n1", "-r1", code)
    assert done.returncode == 0, done.stderr
    ours, everything = (set(line.split()) for line in done.stdout.splitlines()[:2])
    exporters = {"onnx", "tf2onnx", "onnxruntime", "ai_edge_litert", "tensorflow_datasets"}
    # Keras itself imports scikit-learn, Matplotlib and Pillow where they are installed.
    heavy = {"sklearn", "scipy", "matplotlib", "PIL", "rich", "tensorboard"}
    assert "keras_crosspool" in ours
    assert not ours & (exporters | heavy)
    assert not everything & exporters
