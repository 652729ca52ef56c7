"""The study of tuning, run as a user runs it, on few photographs, and taken up again."""

import json

import pytest

pytestmark = pytest.mark.heavy


def test_every_head_has_a_row_and_models_are_taken_up(run_main, copy_images, grocery, tmp_path):
    classes = sorted(path.name for path in (grocery / "train").iterdir())[:5]
    data = copy_images(tmp_path / "photos", {"train": 12, "test": 4}, classes)
    arguments = [
        f"--data={data}",
        "--image_sizes=160",
        "--tuning_size=96",
        "--epochs=1",
        "--tuned_shares=1",
        f"--models={tmp_path / 'models'}",
        f"--output={tmp_path / 'tuning.json'}",
    ]
    done = run_main("benchmarks.tuning", *arguments)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "tuning.json").read_text())
    assert [row["tuned through"] for row in record["rows"]] == ["cross layer", "average"]
    first, second = record["rows"]
    for column in ("global average", "solved"):  # on the network as it was
        assert first[column] == second[column] > 0.4
    times = [path.stat().st_mtime for path in tmp_path.glob("models/*/model.keras")]
    assert run_main("benchmarks.tuning", *arguments).returncode == 0
    assert json.loads((tmp_path / "tuning.json").read_text())["rows"] == record["rows"]
    assert [path.stat().st_mtime for path in tmp_path.glob("models/*/model.keras")] == times
    bad = run_main("benchmarks.tuning", *arguments, "--schemes=scheme2")
    assert bad.returncode == 2
    assert "--schemes takes scheme1 and both. Received: scheme2" in bad.stderr
    bad = run_main("benchmarks.tuning", *arguments, "--epochs=2")
    assert bad.returncode == 2
    assert "other epochs" in bad.stderr
    bad = run_main("benchmarks.tuning", *arguments, "--epochs=1,1")
    assert bad.returncode == 2
    assert "one for each folder. Received: 1 folders, 2 numbers" in bad.stderr
