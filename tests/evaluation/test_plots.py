"""Plots are images that can be read, and show what they are given."""

import numpy as np
import pytest
from PIL import Image

from keras_crosspool.evaluation import plots
from keras_crosspool.evaluation.prediction import explain, predict_images

NAMES = ["pear", "plum", "a class of a rather long name, with $ and _ and [brackets]"]


def _read(path):
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert min(pixels.shape[:2]) > 100
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20  # something is drawn
    return pixels


def _is_red(pixels):
    red, green, blue = pixels.astype(int).transpose(2, 0, 1)
    return (red > green + 60) & (red > blue + 60)


def _is_blue(pixels):
    red, green, blue = pixels.astype(int).transpose(2, 0, 1)
    return (blue > green + 40) & (blue > red + 60)


@pytest.mark.parametrize("validated", [True, False])
def test_training_curve(tmp_path, validated):
    history = {"loss": [2.0, 1.0, 0.5], "accuracy": [0.2, 0.6, 0.9]}
    if validated:
        history |= {"val_loss": [2.0, 1.5, 1.4], "val_accuracy": [0.1, 0.5, 0.6]}
    plots.plot_training_curve(history, tmp_path / "curve.png")
    _read(tmp_path / "curve.png")


def test_confusion(tmp_path):
    logits, labels = np.eye(3)[[0, 0, 1, 2, 2]], np.array([0, 0, 1, 2, 1])
    plots.plot_confusion(logits, labels, NAMES, tmp_path / "confusion.png")
    _read(tmp_path / "confusion.png")


def test_most_confused_counts_both_directions():
    #          0>1 1>0 1>0 2>0 right
    labels = np.array([0, 1, 1, 2, 2, 3])
    logits = np.eye(4)[[1, 0, 0, 0, 2, 2]]
    assert plots.most_confused(logits, labels) == [(0, 1, [0, 1, 2]), (0, 2, [3]), (2, 3, [5])]
    assert plots.most_confused(logits, labels, limit=1) == [(0, 1, [0, 1, 2])]
    assert plots.most_confused(np.eye(4), np.arange(4)) == []


def test_confused_pairs(tmp_path):
    images = {i: np.full((30, 30, 3), 80 * i, "uint8") for i in range(4)}
    images[3] = np.tile(np.uint8([255, 0, 0]), (30, 30, 1))
    pairs = [(0, 1, [0, 1, 2]), (0, 2, [3])]
    labels = np.array([0, 1, 1, 2])
    plots.plot_confused_pairs(pairs, images, labels, NAMES, tmp_path / "pairs.png")
    assert _is_red(_read(tmp_path / "pairs.png")).sum() > 1000


def test_explanations_are_red_for_and_blue_against(tmp_path):
    images = np.full((1, 64, 64, 3), 200, "uint8")
    maps = np.zeros((1, 2, 2, 2))
    maps[0, 0, :, 0] = 1  # the left speaks for the first class
    maps[0, 1, :, 1] = -1  # the right speaks against the second
    boxes = np.array([[[[0, 0, 32, 32]], [[16, 16, 48, 48]]]])
    plots.plot_explanations(images, maps, [NAMES[:2]], boxes, tmp_path / "maps.png")
    pixels = _read(tmp_path / "maps.png")
    height, width = pixels.shape[:2]
    middle = pixels[height // 3 : 2 * height // 3]
    # Three images stand side by side, with a colour bar to the right of them.
    panel = width * 3 // 10
    assert not _is_red(middle[:, :panel]).any()
    assert not _is_blue(middle[:, :panel]).any()
    red = np.flatnonzero(_is_red(middle[:, panel : 2 * panel]).sum(axis=0) > height // 5)
    blue = np.flatnonzero(_is_blue(middle[:, 2 * panel : 3 * panel]).sum(axis=0) > height // 5)
    assert 0 < red.mean() < panel / 2 < blue.mean()


@pytest.mark.parametrize("ending", ["", ".txt", ".partial", "."])
def test_a_file_name_that_is_no_image_is_refused(tmp_path, ending):
    path = tmp_path / f"where{ending}"
    with pytest.raises(ValueError, match=r"ends in one of .*png.*Received: .*where"):
        plots.check_image_format(path)
    for good in ("where.png", "where.PDF", "a.b.jpg"):
        plots.check_image_format(tmp_path / good)


def test_prediction_ranks_and_explains(solved, tiny_folder, tmp_path):
    model, metadata = solved
    paths = [sorted((tiny_folder / "test" / name).iterdir())[0] for name in metadata.class_names]
    predictions = predict_images(model, metadata, paths)
    for prediction, path in zip(predictions, paths, strict=True):
        names, chances, logits = zip(*prediction.ranked(), strict=True)
        assert sorted(names) == sorted(metadata.class_names)
        assert list(logits) == sorted(logits, reverse=True)
        assert sum(chances) == pytest.approx(1, abs=1e-5)
        assert names[0] == path.parent.name
        assert chances[0] / chances[1] == pytest.approx(np.exp(logits[0] - logits[1]), rel=1e-3)
        record = prediction.to_dict()
        assert record["path"] == str(path)
        assert [row["class"] for row in record["classes"]] == list(names)
    explain(model, metadata, predictions, tmp_path / "where.png")
    assert _is_red(_read(tmp_path / "where.png")).any()


def test_average_precisions(tmp_path):
    precisions = dict(zip(NAMES, (0.2, 0.9, 0.5), strict=True))
    plots.plot_average_precisions(precisions, 0.53, tmp_path / "average_precision.png")
    pixels = _read(tmp_path / "average_precision.png")
    # The longest bar is at the top, the shortest at the bottom.
    blue = _is_blue(pixels).sum(axis=1)
    bars = blue[blue > 10]
    assert bars[0] > 1.5 * bars[len(bars) // 2] > 2.5 * bars[-1]
