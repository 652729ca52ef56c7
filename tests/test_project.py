"""The project's own files: the Bazel targets, the extras, the constraints and the pages."""

import ast
import configparser
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
CALLS = {"load", "package", "licenses", "exports_files", "glob", "requirement"}
CALLS |= {"py_library", "py_binary", "py_test", "filegroup"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
README_LINES = 150


@pytest.fixture(scope="module")
def build_file():
    # The file keeps to the part of Starlark that is Python too, so Python's parser reads it.
    return ast.parse((ROOT / "BUILD").read_text())


def test_a_file_stays_in_one_worker(request):
    """So that what its tests share is made once; an unknown version of pytest may split it."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not a worker of --dist loadgroup")
    assert request.node.nodeid.endswith("@tests/test_project.py")


def _calls(tree, name):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.func.id == name]


def _strings(node):
    return [x.value for x in ast.walk(node) if isinstance(x, ast.Constant)]


def test_build_calls_only_what_it_loads(build_file):
    called = {node.func.id for node in ast.walk(build_file) if isinstance(node, ast.Call)}
    assert called <= CALLS
    loaded = {name for call in _calls(build_file, "load") for name in _strings(call)[1:]}
    assert {name for name in called if name.startswith("py_")} <= loaded


def test_build_globs_cover_every_source(build_file):
    patterns = [p for call in _calls(build_file, "glob") for p in _strings(call)]
    matched = {path for p in patterns for path in ROOT.glob(p) if path.is_file()}
    sources = {
        path
        for room in ("keras_crosspool", "export", "benchmarks", "tools", "tests")
        for path in (ROOT / room).rglob("*.py")
    }
    assert sources
    assert sources <= matched
    assert all(any(ROOT.glob(p)) for p in patterns)


def test_build_names_are_unique_and_labels_resolve(build_file):
    rules = [
        keyword.value.value
        for node in ast.walk(build_file)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    ]
    assert len(rules) == len(set(rules))
    labels = {s[1:] for s in _strings(build_file) if isinstance(s, str) and s.startswith(":")}
    assert labels <= set(rules)


def test_build_mains_and_files_exist(build_file):
    comprehension = next(n for n in ast.walk(build_file) if isinstance(n, ast.comprehension))
    mains = set(_strings(comprehension.iter))
    assert mains == {
        path.stem
        for path in (ROOT / "keras_crosspool").glob("*.py")
        if '__name__ == "__main__"' in path.read_text() and path.name != "__main__.py"
    }
    (test,) = _calls(build_file, "py_test")
    named = next(k.value for k in test.keywords if k.arg == "data")
    files = [name for name in _strings(named) if not name.startswith(":")]
    assert files
    assert all((ROOT / name).is_file() for name in files)


def _requirements():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    names = re.findall(r"^\s*([A-Za-z][\w.-]*)", "\n".join(lines), re.MULTILINE)
    return {_canonical(name) for name in names}


def _canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned():
    text = "\n".join(path.read_text() for path in ROOT.glob("constraints*.txt"))
    return {_canonical(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def test_every_requirement_is_pinned():
    # TensorFlow and TensorRT for GPUs are for machines that the constraints do not describe.
    assert _requirements() - _pinned() <= {"tensorflow", "tensorrt", "keras-crosspool"}


def test_bazel_requirements_are_pinned(build_file):
    asked = {_canonical(s) for call in _calls(build_file, "requirement") for s in _strings(call)}
    assert asked <= _pinned()


def test_tables_come_from_results():
    done = subprocess.run(
        [sys.executable, "-m", "tools.readme_tables", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_page_with_tables_is_written():
    with_tables = {page for page in PAGES if "\n<!-- begin " in page.read_text()}
    text = (ROOT / "tools" / "readme_tables.py").read_text()
    default = re.search(r'DEFINE_list\(\s*"pages",\s*(\[.*?\])', text, re.DOTALL)
    assert with_tables == {ROOT / name for name in ast.literal_eval(default[1])}


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_index_lists_every_page_once():
    index = ROOT / "docs" / "index.md"
    listed = re.findall(r"^(?:\d+\.|-) \[[^]]+\]\(([^.)][^)]*)\)", index.read_text(), re.MULTILINE)
    pages = [page.relative_to(index.parent) for page in index.parent.rglob("*.md")]
    assert sorted(listed) == sorted(page.as_posix() for page in pages if page.name != "index.md")


def _prose(page):
    """A page without its code and its tables of results, which may hold any characters."""
    text = re.sub(r"<!-- begin (\S+) -->.*?<!-- end \1 -->", "", page.read_text(), flags=re.DOTALL)
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def _anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_resolve(page):
    text = re.sub(r"`[^`\n]*`", "", _prose(page))
    links = [x for x in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in x]
    assert links or page.name == "CONTRIBUTING.md"
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link
