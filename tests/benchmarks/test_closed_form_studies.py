"""The studies of compression and of the time of solving, run as a user runs them."""

import json

import pytest

from keras_crosspool.models.directory import load_model

pytestmark = pytest.mark.heavy


def test_a_row_for_each_size(run_main, trained, tmp_path):
    directory, _ = trained
    output = tmp_path / "compression.json"
    arguments = [f"--models={directory}", f"--output={output}"]
    done = run_main("benchmarks.compression", *arguments, "--sizes=4x8,16x32")
    assert done.returncode == 0, done.stderr
    whole, short, same = json.loads(output.read_text())["rows"]
    model, metadata = load_model(directory)
    assert whole["score"] == metadata.scores.validation["accuracy"]
    assert whole["gain, at least"] is None
    assert short["gain, at least"] < short["gain, at most"]
    assert whole["values"] == model.descriptor.shape[-1]
    assert (short["values"], same["values"]) == (32, whole["values"])
    # All directions are a rotation of the channels: the same ridge, but for its alpha.
    assert abs(same["score"] - whole["score"]) < 0.15
    assert output.with_suffix(".png").stat().st_size > 1000
    bad = run_main("benchmarks.compression", *arguments, "--sizes=17x8")
    assert bad.returncode == 2
    assert "pools 16 feature channels" in bad.stderr


def test_time_and_memory_of_solving(run_main, grocery, tmp_path):
    output = tmp_path / "solving.json"
    done = run_main(
        "benchmarks.solving",
        f"--data={grocery}",
        "--images=20,40",
        "--image_size=192",
        "--crop_scales=1.0",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    few, more = json.loads(output.read_text())["rows"]
    assert (few["images"], more["images"]) == (20, 40)
    assert more["rows"] == 80  # each with its mirror image
    for row in (few, more):
        rounding = 0.05 + 0.05 * row["ratio"] + 0.005 * row["bare passes, s"]
        expected = row["ratio"] * row["bare passes, s"]
        assert row["solving, s"] == pytest.approx(expected, abs=rounding)
        assert row["peak GB"] > 0.1


def test_pairs_of_feature_maps_beside_each_other(run_main, grocery, tmp_path):
    output = tmp_path / "pairs.json"
    done = run_main(
        "benchmarks.pairs",
        f"--data={grocery}",
        "--image_sizes=128",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    rows = {row["maps"]: row for row in json.loads(output.read_text())["rows"]}
    average, last, earlier, both = rows.values()
    assert list(rows) == ["global average", "last pair", "earlier pair", "both pairs"]
    assert both["values"] == last["values"] + earlier["values"] == 2 * 65536
    # At 6 x 6 positions windows of 3 x 3 x 112 become 256 values, and 672 guidance channels 256;
    # the classifier has 65536 by 16 weights more.
    more = 36 * (9 * 112 + 672) * 256 + 65536 * 16
    assert both["MACs (M)"] - last["MACs (M)"] == pytest.approx(more / 1e6)
    assert last["MACs (M)"] > average["MACs (M)"]
    for row in (earlier, both):
        gain = row["score"] - last["score"]
        assert row["gain, at least"] <= gain <= row["gain, at most"]
    assert all(0.3 < row["cross-validated"] <= 1 for row in rows.values())
