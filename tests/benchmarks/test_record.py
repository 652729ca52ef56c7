"""The writer of the studies' results: what it adds, and what it does not publish."""

import datetime
import json
import math
import pathlib
import subprocess
import sys

import pytest

from benchmarks import record
from benchmarks.machine import library_versions, machine_info
from tools.readme_tables import render

ROWS = [{"model": "a", "accuracy": 0.75}, {"model": "b", "accuracy": math.nan}]


def test_every_record_says_when_where_with_what_and_how(tmp_path):
    path = tmp_path / "deep" / "study.json"
    written = record.write_record(path, {"data": "photos", "rows": ROWS, "rounds": 3})
    read = json.loads(path.read_text())
    assert read == written | {"rows": [ROWS[0], {"model": "b", "accuracy": None}]}
    assert list(read) == ["data", "rounds", "date", "machine", "versions", "command", "rows"]
    date = datetime.datetime.fromisoformat(read["date"])
    age = datetime.datetime.now(datetime.UTC) - date
    assert date.utcoffset() == datetime.timedelta(0)
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=5)
    assert read["machine"] == machine_info()
    assert read["versions"] == library_versions()
    assert {"keras", "numpy"} <= read["versions"].keys()


def test_what_a_study_says_itself_is_kept(tmp_path):
    own = {"date": "2026-01-02T03:04:05+00:00", "versions": {"jax": "1"}, "rows": ROWS[:1]}
    written = record.write_record(tmp_path / "study.json", own)
    assert own.items() <= written.items()
    assert record.complete_record(written) == written


def test_a_list_becomes_rows_and_a_table(tmp_path):
    path = tmp_path / "study.json"
    record.write_record(path, ROWS)
    table = render(path)
    assert "| a     | 0.75     |" in table
    assert table.splitlines()[-1].startswith(machine_info()["cpu"])


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("{here}/data/photos", "data/photos"),
        ("--data={here}/data/photos", "--data=data/photos"),
        ("--cache_dir=/home/someone/cache", "--cache_dir=cache"),
        ("--pages={here}/a.md,/elsewhere/b.md,c.md", "--pages=a.md,b.md,c.md"),
        ("--output=../results/x.json", "--output=../results/x.json"),
        ("--model=~/model", "--model=model"),
        ("--noeager", "--noeager"),
        ("--data=tfds:oxford_flowers102", "--data=tfds:oxford_flowers102"),
        ("--runs=plain fit,scheme 1", "'--runs=plain fit,scheme 1'"),
    ],
)
def test_the_command_holds_no_path_of_the_machine(word, kept, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    line = record.command_line([word.format(here=tmp_path)], "benchmarks.study")
    assert line == f"python -m benchmarks.study {kept}"


def test_arguments_hold_no_path_of_the_machine(tmp_path):
    arguments = {"data": "/home/someone/photos", "rounds": 3, "cache_dir": None, "scheme": "both"}
    written = record.write_record(tmp_path / "x.json", {"arguments": arguments, "rows": ROWS})
    assert written["arguments"] == arguments | {"data": "photos"}


def test_the_command_is_the_one_that_was_typed(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "__main__.py").write_text(
        "from benchmarks.record import write_record\nwrite_record('study.json', [{'a': 1}])"
    )
    command = [sys.executable, "-m", "study", "--rounds=2", f"{tmp_path}/model.tflite"]
    root = pathlib.Path(record.__file__).parents[1]
    env = {"PYTHONPATH": f"{root}", "KERAS_BACKEND": "jax"}
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    read = json.loads((tmp_path / "study.json").read_text())
    assert read["command"] == "KERAS_BACKEND=jax python -m study --rounds=2 model.tflite"


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A file of the published results."""
    monkeypatch.setattr(record, "PUBLISHED", tmp_path)
    path = tmp_path / "latency.json"
    path.write_text("the old one")
    return path


UNSTABLE = (
    {"runtimes": [{"name": "a", "summary": {"verdict": "unstable"}},
                  {"name": "b", "summary": {"verdict": "uneven"}}]},
    [{"runtime": "a", "verdict": "unstable"}, {"runtime": "b", "verdict": "steady"}],
)  # fmt: skip


@pytest.mark.parametrize("result", UNSTABLE, ids=["runtimes", "rows"])
def test_unstable_figures_are_not_published(published, tmp_path_factory, result):
    with pytest.raises(record.UnstableError, match=r"--keep_unstable\. Received: a$"):
        record.write_record(published, result)
    assert published.read_text() == "the old one"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "latency.json"
    record.write_record(elsewhere, result)
    record.write_record(published, result, keep_unstable=True)
    assert json.loads(published.read_text())["machine"] == machine_info()


def test_published_is_what_the_studies_write_by_default():
    root = pathlib.Path(record.__file__).parents[1]
    assert root / "benchmarks" / "results" == record.PUBLISHED
    assert (record.PUBLISHED / "latency.json").is_file()


def test_the_published_figures_are_stable():
    for path in record.PUBLISHED.glob("*.json"):
        assert record.unstable_rows(json.loads(path.read_text())) == [], path
