"""The benchmark of fine-tuning as a user runs it, checked against the rounds it leaves."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.heavy

RUNS = ("plain fit", "global average", "scheme 1")
BATCH, ROUNDS = 8, 2


@pytest.fixture(scope="module")
def written(run_main, tiny_folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("training") / "training.json"
    done = run_main(
        "benchmarks.training",
        f"--data={tiny_folder}",
        f"--runs={','.join(RUNS)}",
        "--image_size=96",
        f"--batch_size={BATCH}",
        f"--rounds={ROUNDS}",
        "--steps=2",
        f"--output={output}",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text()), done.stdout


def test_every_run_trains_in_every_round(written):
    record, _ = written
    assert [row["run"] for row in record["rows"]] == list(RUNS)
    assert [tuple(turns) for turns in record["rounds"]] == [RUNS] * ROUNDS
    assert record["data"] == "tiny"
    assert {"machine", "versions", "arguments", "date"} <= record.keys()
    assert record["command"].startswith("python -m benchmarks.training --data=tiny ")


def test_figures_follow_from_the_rounds(written):
    record, _ = written
    speed = _of_rounds(record, "images/s")
    delivered = _of_rounds(record, "input images/s")
    for row in record["rows"]:
        run = row["run"]
        assert row["images/s"] == pytest.approx(speed[run].mean())  # the median of two
        assert row["ms a step"] == pytest.approx(1000 * BATCH / speed[run].mean())
        assert row["input images/s"] == pytest.approx(delivered[run].mean())
        ample = delivered[run].mean() > 1.5 * speed[run].mean()
        assert row["bound"] == ("compute" if ample else "input")
        for base in ("plain fit", "global average"):
            assert row[f"x {base}"] == pytest.approx((speed[run] / speed[base]).mean())


def test_costs_are_the_steps_of_one_run_over_those_of_another(written):
    record, printed = written
    step = {run: BATCH / speeds for run, speeds in _of_rounds(record, "images/s").items()}
    pairs = {"head": ("scheme 1", "global average"), "machinery": ("global average", "plain fit")}
    for part, (run, base) in pairs.items():
        costs = (step[run] - step[base]) / step[base]
        expected = {"median": costs.mean(), "low": costs.min(), "high": costs.max()}
        assert record[part] == pytest.approx(expected)
        assert f"the {part} costs {costs.mean():.1%} of a step " in printed


def _of_rounds(record, figure):
    """Each run's figure of every round."""
    rates = {run: np.array([turns[run][figure] for turns in record["rounds"]]) for run in RUNS}
    assert all((values > 0).all() for values in rates.values())
    return rates


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--runs=plain fit,scheme 9"], "Received: --runs=plain fit,scheme 9"),
        (["--runs="], "--runs are of plain fit, global average, scheme 1, "),
        (["--data=absent", "--runs=plain fit"], "absent"),
    ],
)
def test_bad_input_ends_in_one_line(fork_main, tmp_path, flags, message):
    output = tmp_path / "training.json"
    done = fork_main("benchmarks.training", *flags, f"--output={output}")
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert message in line
    assert not output.exists()
