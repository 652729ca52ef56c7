"""The study of presets, run as a user runs it, on few photographs, and taken up again."""

import json

import numpy as np
import pytest

from benchmarks.latency.measurement import _save
from keras_crosspool import create_model
from keras_crosspool.models.presets import PRESETS

AVERAGE = "global_average_efficientnet_lite0_224"
SMALL = "crosspool_small_efficientnet_lite0_224"
LITE1 = "crosspool_efficientnet_lite1_240"


def test_images_of_several_candidates_are_saved_once(tmp_path):
    first, second = np.zeros((2, 4, 4, 3), "uint8"), np.ones((2, 6, 6, 3), "uint8")
    paths = _save({"a": first, "b": second, "c": first}, tmp_path)
    assert paths["a"] == paths["c"] != paths["b"]
    np.testing.assert_array_equal(np.load(paths["c"]), first)
    np.testing.assert_array_equal(np.load(paths["b"]), second)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.heavy
def test_every_preset_has_a_row_at_its_own_size(run_main, copy_images, grocery, tmp_path):
    classes = sorted(path.name for path in (grocery / "train").iterdir())[:5]
    data = copy_images(tmp_path / "photos", {"train": 8, "test": 6}, classes)
    output = tmp_path / "presets.json"
    arguments = [
        f"--presets={AVERAGE},{SMALL},{LITE1}",
        f"--data={data}",
        "--rounds=2",
        "--per_round=4",
        f"--models={tmp_path / 'models'}",
        f"--output={output}",
    ]
    done = run_main("benchmarks.presets", *arguments)
    assert done.returncode == 0, done.stderr
    rows = {row["preset"]: row for row in json.loads(output.read_text())["rows"]}
    assert set(rows) == {AVERAGE, SMALL, LITE1}
    for name, row in rows.items():
        files = tmp_path / "models"
        assert row["image size"] == PRESETS[name].image_size
        assert row["values"] == create_model(name, ["a", "b"], weights=None).descriptor.shape[1]
        size = (files / f"{name}.tflite").stat().st_size
        assert row["file (MB)"] == pytest.approx(size / 1e6, abs=0.06)
        scores = json.loads((files / name / "model.json").read_text())["scores"]
        assert row["accuracy"] == pytest.approx(scores["validation"]["accuracy"])
        assert row["accuracy"] > 0.5
    assert rows[AVERAGE]["p90, relative"] == 1
    assert rows[LITE1]["p90, relative"] > 1
    for name in ("latency", "values"):
        assert (tmp_path / f"presets_{name}.png").read_bytes().startswith(b"\x89PNG")
    bad = run_main("benchmarks.presets", *arguments, "--relative_to=crosspool_resnet50_224")
    assert bad.returncode == 2
    assert "one of the presets that are measured. Received:" in bad.stderr
