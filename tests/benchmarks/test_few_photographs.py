"""The study of few photographs: its draws, and a run as a user runs it, taken up again."""

import json

import numpy as np
import pytest

from benchmarks.data_sets import draw_photographs


def test_a_draw_has_so_many_of_each_class():
    labels = np.repeat([0, 1, 2], [9, 3, 1])
    drawn = draw_photographs(labels, 2, seed=0)
    assert np.bincount(labels[drawn]).tolist() == [2, 2, 1]
    assert (np.diff(drawn) > 0).all()
    assert not np.array_equal(drawn, draw_photographs(labels, 2, seed=1))
    np.testing.assert_array_equal(drawn, draw_photographs(labels, 2, seed=0))


@pytest.mark.heavy
def test_every_way_has_a_row_over_the_draws(run_main, copy_images, grocery, tmp_path):
    classes = sorted(path.name for path in (grocery / "train").iterdir())[:4]
    data = copy_images(tmp_path / "photos", {"train": 8, "test": 5}, classes)
    output, runs = tmp_path / "few.json", tmp_path / "runs"
    arguments = [
        f"--data={data}",
        "--image_sizes=192",
        "--tuning_size=96",
        "--tuning=average:10",
        "--epochs=1",
        "--photographs=6",
        "--draws=2",
        f"--runs={runs}",
        f"--output={output}",
    ]
    done = run_main("benchmarks.few_photographs", *arguments)
    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())["rows"]
    draws = [json.loads(path.read_text())["scores"] for path in sorted(runs.iterdir())]
    assert [row["way"] for row in rows] == list(draws[0])
    peer = np.array([draw["global average, fine-tuned"] for draw in draws])
    assert peer.max() < 1  # one epoch of six photographs
    for row in rows:
        scores = np.array([draw[row["way"]] for draw in draws])
        assert row["score"] == pytest.approx(scores.mean())
        assert row["deviation"] == pytest.approx(scores.std())
        assert row["more than fine-tuned"] == pytest.approx((scores - peer).mean())
    solved = [row["score"] for row in rows if row["way"] == "scheme 1, solved"]
    assert solved[0] > 0.6
    times = [path.stat().st_mtime for path in sorted(runs.iterdir())]
    assert run_main("benchmarks.few_photographs", *arguments).returncode == 0
    assert [path.stat().st_mtime for path in sorted(runs.iterdir())] == times
    assert json.loads(output.read_text())["rows"] == rows
    other = run_main("benchmarks.few_photographs", *arguments, "--tuning_size=64")
    assert other.returncode == 2
    assert "A draw of other options lies there" in other.stderr
    bad = run_main("benchmarks.few_photographs", *arguments, "--tuning=average")
    assert bad.returncode == 2
    assert "as average:10. Received: 'average'" in bad.stderr


@pytest.mark.heavy
def test_a_curve_of_what_is_solved_alone(run_main, copy_images, grocery, tmp_path):
    classes = sorted(path.name for path in (grocery / "train").iterdir())[:4]
    data = copy_images(tmp_path / "photos", {"train": 8, "test": 5}, classes)
    output = tmp_path / "curve.json"
    done = run_main(
        "benchmarks.few_photographs",
        f"--data={data}",
        "--image_sizes=192",
        "--tuning=",
        "--photographs=5,8",
        "--draws=2",
        f"--runs={tmp_path / 'runs'}",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())["rows"]
    ways = ["global average, solved", "scheme 1, solved"]
    assert [(row["photographs"], row["way"]) for row in rows] == [
        (count, way) for count in (5, 8) for way in ways
    ]
    assert all(0 <= row["score"] <= 1 and "more than fine-tuned" not in row for row in rows)
    assert output.with_suffix(".png").stat().st_size > 10_000
