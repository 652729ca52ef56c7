"""The form that is chosen, and what is said of it before anything is computed."""

import pytest
from absl import logging

from keras_crosspool.closed_form import options
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.plan import ProblemSize

MILLION = 10**6


def _size(rows, dims, workers=1, classes=100):
    return ProblemSize(rows, dims, classes, dims, workers)


@pytest.fixture(autouse=True)
def disk(monkeypatch):
    """Room for any scratch file."""
    monkeypatch.setattr(options, "free_disk", lambda path: 10**15)


@pytest.mark.parametrize(
    ("rows", "dims", "form"),
    [
        (100, (65536,), "gram"),
        (6432, (65536,), "gram"),
        (6432, (65536, 32768), "gram"),
        (6432, (1280,), "gram"),
        (MILLION, (1280,), "primal"),
        (MILLION, (65536,), "projected"),
        (MILLION, (65536, 32768), "projected"),
    ],
)
def test_form_by_size(rows, dims, form):
    plan = SolverOptions(memory_gb=32).plan(_size(rows, dims))
    assert plan.form == form
    large = 4 * rows * sum(dims) > 10**9
    assert (plan.disk > 0) == (form != "gram" or large)
    assert plan.memory <= 32e9


def test_shorter_projections_where_memory_is_short():
    widths = [SolverOptions(memory_gb=gb).plan(_size(MILLION, (65536,))).width for gb in (32, 4, 2)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == 8192
    assert len(set(widths)) == 3


def test_what_fits_no_memory_is_told_in_figures():
    with pytest.raises(
        ValueError,
        match=r"in 0\.1 GB of memory: it takes gram, [\d.]+ GB of memory and 262\.1 GB of disk; "
        r"or primal, .*; or projected to 1024 values, .*"
        r"Received: 1000000 rows of 65536 values, method=ridge",
    ):
        SolverOptions(memory_gb=0.1).plan(_size(MILLION, (65536,)))


@pytest.mark.parametrize("asked", [{"method": "svm"}, {"form": "gram"}])
def test_what_needs_the_gram_matrix_is_refused_where_it_does_not_fit(asked):
    solver = SolverOptions(memory_gb=32, **asked)
    assert solver.plan(_size(1000, (1280,))).form == "gram"
    with pytest.raises(ValueError, match=r"it takes gram, .* GB of disk\. .*1000000 rows"):
        solver.plan(_size(MILLION, (1280,)))


def test_a_branch_that_knows_its_folds_by_gram_matrices():
    with pytest.raises(ValueError, match=r"it takes gram, .* GB of disk\. "):
        SolverOptions(memory_gb=32).plan(_size(MILLION, (1280,)), gram_only=True)
    with pytest.raises(ValueError, match=r"Gram matrices alone.*Received: form='primal'"):
        SolverOptions(form="primal").plan(_size(100, (1280,)), gram_only=True)


@pytest.mark.parametrize("form", ["gram", "primal", "projected"])
def test_a_named_form_is_taken(form):
    plan = SolverOptions(form=form, memory_gb=32).plan(_size(500, (2000,)))
    assert plan.form == form


def test_workers_divide_the_rows_and_choose_alike(run_workers):
    size = _size(30000, (65536,), workers=3)
    one = SolverOptions(form="gram", memory_gb=200).plan(_size(30000, (65536,)))
    plans = run_workers(
        lambda d: SolverOptions(memory_gb=[32, 1.5, 32][d.rank]).plan(size, distribution=d), 3
    )
    assert plans[0] == plans[1] == plans[2]
    assert plans[0].memory <= 1.5e9
    three = SolverOptions(form="gram", memory_gb=200).plan(size)
    assert one.disk == 30000 * 65536 * 4
    assert three.disk == 10000 * 65536 * 4


def test_available_memory_is_the_default(monkeypatch):
    monkeypatch.setattr(options, "available_memory", lambda: 10**8)
    with pytest.raises(ValueError, match=r"in 0\.1 GB of memory"):
        SolverOptions().plan(_size(MILLION, (65536,)))


def test_the_plan_is_logged(monkeypatch):
    lines = []
    monkeypatch.setattr(logging, "info", lambda line, *args: lines.append(line % args))
    SolverOptions(memory_gb=32).plan(_size(6432, (65536,)))
    (line,) = lines
    assert line.startswith(
        "solver: gram, 1.9 GB of memory and 1.7 GB of disk, for 6432 rows of 65536 values"
    )


def test_a_full_disk_leaves_the_descriptors_of_a_gram_matrix_in_memory(monkeypatch):
    size = _size(6432, (65536,))
    stored = SolverOptions(memory_gb=32).plan(size)
    monkeypatch.setattr(options, "free_disk", lambda path: 10**9)
    kept = SolverOptions(memory_gb=32).plan(size)
    assert (kept.form, kept.disk) == ("gram", 0)
    assert kept.memory - stored.memory == stored.disk - 2 * 2**28


def test_a_full_disk_is_named(monkeypatch):
    monkeypatch.setattr(options, "free_disk", lambda path: 10**9)
    with pytest.raises(OSError, match=r"need 5\.1 GB of scratch disk.*Received: 1\.0 GB free"):
        SolverOptions(memory_gb=32).plan(_size(MILLION, (1280,)))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"method": "lda"}, r"method must be one of ridge, svm\. Received: 'lda'"),
        ({"form": "dual"}, r"form must be one of auto, gram, primal, projected\. Received: 'dual'"),
        ({"memory_gb": 0}, r"memory_gb must be above zero\. Received: 0"),
        ({"projected_dims": 0}, r"projected_dims must be above zero\. Received: 0"),
        ({"method": "svm", "form": "primal"}, r"svm .* form gram alone.*Received: form='primal'"),
    ],
)
def test_bad_options_are_named(asked, words):
    with pytest.raises(ValueError, match=words):
        SolverOptions(**asked)
