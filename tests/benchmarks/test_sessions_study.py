"""The study of sessions, run as a user runs it, on few photographs."""

import json

import pytest

pytestmark = pytest.mark.heavy


def test_both_tables_are_written(run_main, copy_images, grocery, tmp_path):
    classes = sorted(path.name for path in (grocery / "train").iterdir())[:5]
    data = copy_images(tmp_path / "photos", {"train": 12, "test": 4}, classes)
    done = run_main(
        "benchmarks.sessions",
        f"--data={data}",
        "--image_sizes=160",
        f"--unknown={data / 'test'}",
        f"--output={tmp_path / 'scores.json'}",
        f"--rejection_output={tmp_path / 'rejection.json'}",
    )
    assert done.returncode == 0, done.stderr
    scores, refused = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("scores", "rejection")
    )
    ways = [(row["model"], row["held out"]) for row in scores["rows"]]
    assert ways == [
        (model, way)
        for model in ("global average", "scheme 1")
        for way in ("random folds", "sessions found")
    ]
    for row in scores["rows"]:
        assert row["from"] <= row["promised"] <= row["to"]
        assert 0 < row["given"] <= 1
    # The strangers are the photographs of the classes themselves, so nothing tells them apart.
    for row in refused["rows"]:
        assert 0.3 < row["AUROC of strangers"] < 0.7
    bad = run_main("benchmarks.sessions", f"--data={data}", "--image_sizes=128,96")
    assert bad.returncode == 2
    assert "1 folders, 2 sizes" in bad.stderr
