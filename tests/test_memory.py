"""The memory that is left: of the machine, and within the limits of a container."""

import pathlib
import types

import psutil
import pytest

from keras_crosspool import memory
from keras_crosspool.closed_form import options
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.plan import ProblemSize

NO_LIMIT = 9223372036854771712  # as version 1 says it


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 10 GB to be limited: function from a file's path to its text."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=10**10))
    write("proc/self/cgroup", "0::/\n")
    return write


def test_this_machine():
    """Not more than the kernel says, and some."""
    meminfo = pathlib.Path("/proc/meminfo")
    if not meminfo.exists():
        pytest.skip("needs a machine with /proc")
    lines = meminfo.read_text().splitlines()
    total = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal:"))
    assert 0 < memory.available_memory() <= total * 1024


@pytest.mark.parametrize("limit", [None, "max\n"])
def test_a_machine_without_limits(machine, limit):
    if limit:
        machine("groups/memory.max", limit)
        machine("groups/memory.current", "123\n")
    assert memory.available_memory() == 10**10


def test_a_machine_without_control_groups(machine, tmp_path):
    (tmp_path / "proc/self/cgroup").unlink()
    assert memory.available_memory() == 10**10


def test_a_machine_without_proc(monkeypatch, tmp_path):
    """As macOS and Windows are: what the machine has available is all there is to know."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "no proc")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "no groups")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=123))
    assert memory.available_memory() == 123


def test_a_container_of_version_2(machine):
    """4 GB, 3 GB of them used, 2 GB of these by files that nobody uses."""
    machine("groups/memory.max", "4000000000\n")
    machine("groups/memory.current", "3000000000\n")
    machine("groups/memory.stat", "anon 1000000000\nfile 2000000000\ninactive_file 2000000000\n")
    assert memory.available_memory() == 3_000_000_000


def test_the_solver_takes_the_form_that_fits_a_container(machine, monkeypatch, tried):
    """8000 rows and 1000 classes: four fifths of 2.4 GB are too little for their Gram matrix."""
    monkeypatch.setattr(options, "free_disk", lambda path: 10**12)
    size = ProblemSize(8000, (65536, 1280), 1000, (65536, 1280))
    assert SolverOptions().plan(size).form == "gram"
    machine("groups/memory.max", "4000000000\n")
    machine("groups/memory.current", "1600000000\n")
    plan = SolverOptions().plan(size)
    assert plan.form == "projected"
    assert plan.memory < 0.8 * 2_400_000_000
    tried("memory", "1000 classes in a container limited to 4 GB", f"solver: {plan.words}")


def test_a_container_of_version_1(machine):
    """Its groups are named as outside of it, but only its own one can be seen, as the root."""
    machine("proc/self/cgroup", "5:cpu:/docker/1\n4:hugetlb,memory:/docker/1\n0::/docker/1\n")
    machine("groups/memory/memory.limit_in_bytes", "2000000000\n")
    machine("groups/memory/memory.usage_in_bytes", "500000000\n")
    machine("groups/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n")
    assert memory.available_memory() == 1_500_000_100


@pytest.mark.parametrize(("outer", "inner"), [(3_000_000_000, NO_LIMIT), (8 * 10**9, 2 * 10**9)])
def test_the_tightest_of_nested_limits(machine, outer, inner):
    machine("proc/self/cgroup", "4:memory:/job/step\n")
    for folder, limit in (("job", outer), ("job/step", inner)):
        machine(f"groups/memory/{folder}/memory.limit_in_bytes", f"{limit}\n")
        machine(f"groups/memory/{folder}/memory.usage_in_bytes", "1000000000\n")
    assert memory.available_memory() == min(outer, inner) - 1_000_000_000


def test_a_limit_that_is_passed_already(machine):
    machine("groups/memory.max", "1000\n")
    machine("groups/memory.current", "2000\n")
    assert memory.available_memory() == 0
