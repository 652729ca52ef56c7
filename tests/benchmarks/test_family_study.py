"""The study of the second-order family, run as a user runs it, on few photographs."""

import json

import pytest

pytestmark = pytest.mark.heavy


def test_every_head_is_solved_and_compared(run_main, copy_images, grocery, tmp_path):
    classes = sorted(path.name for path in (grocery / "train").iterdir())[:5]
    data = copy_images(tmp_path / "photos", {"train": 12, "test": 8}, classes)
    output = tmp_path / "family.json"
    done = run_main(
        "benchmarks.family",
        f"--data={data}",
        "--image_sizes=160",
        "--channels=16",
        "--units=64",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(output.read_text())
    assert record["arguments"]["data"] == ["photos"]
    rows = {(row["head"], row["maps"]): row for row in record["rows"]}
    assert len(rows) == len(record["rows"]) == 15
    pair = "features, guidance"
    assert rows["cross-layer", pair]["values"] == 16 * 16
    assert rows["Tensor Sketch", pair]["values"] == 64
    assert rows["covariance root", "last map"]["values"] == 16 * 17 // 2
    for (head, maps), row in rows.items():
        assert row["from"] <= row["accuracy"] <= row["up to"]
        assert row["accuracy"] > 0.4  # chance is 0.2
        if (head, maps) != ("cross-layer", pair):
            gain = row["accuracy"] - rows["cross-layer", pair]["accuracy"]
            assert row["to cross-layer"] == pytest.approx(gain)
            assert row["to cross-layer from"] <= gain <= row["to cross-layer up to"]
