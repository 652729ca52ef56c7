"""The benchmark of the heads: published formulations give what the layers give; what it writes."""

import json

import numpy as np
import pytest
from keras import ops

from benchmarks.heads.contests import CONTESTS
from benchmarks.layers.layer_shape import LayerShape


@pytest.mark.parametrize("contest", CONTESTS, ids=lambda c: f"{c.layer_name}, {c.published_name}")
@pytest.mark.parametrize("units", [16, 31])
def test_layer_and_formulation_give_the_same(contest, units):
    pool, formulate, maps = contest.build(LayerShape(2, 8, 6, 5), units)
    found, expected = (ops.convert_to_numpy(f(*maps)) for f in (pool, formulate))
    # Newton-Schulz leaves small eigenvalues a little too small.
    iterates = contest.published_name in ("eigenvalues", "singular values")
    tolerance = 0.02 if iterates else 1e-4
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=tolerance * np.abs(expected).max())


@pytest.mark.heavy
def test_ratios_are_written(run_main, tmp_path):
    output = tmp_path / "heads.json"
    flags = ["--shapes=1x3x4x5", "--units=8", "--rounds=3", f"--output={output}"]
    done = run_main("benchmarks.heads", "--layers=CompactBilinear", *flags)
    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())["rows"]
    assert [row["against"] for row in rows] == [
        "FFT at each position",
        "FFT at each position, one inverse",
        "projections at each position",
    ]
    for row in rows:
        assert row["forward from"] <= row["forward ratio"] <= row["forward up to"]
        assert row["peak MB"] > 0
        assert row["verdict"] in ("steady", "uneven", "unstable")


def test_a_layer_that_is_not_there_ends_in_one_line(fork_main, tmp_path):
    output = tmp_path / "heads.json"
    done = fork_main("benchmarks.heads", "--layers=Fisher", f"--output={output}")
    assert done.returncode == 2, done.stderr
    assert "--layers a part of the name of one of CompactBilinearPooling" in done.stderr
    assert not output.exists()
