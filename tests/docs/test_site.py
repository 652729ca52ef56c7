"""The documentation site: its settings, and the names on its API pages. `make docs` builds it."""

import configparser
import importlib
import pathlib
import re
import runpy

import pytest

import keras_crosspool

ROOT = pathlib.Path(__file__).parents[2]
API = ROOT / "docs" / "api"
ROOMS = ("backbones", "data", "evaluation", "layers", "retrieval", "sessions")
DIRECTIVE = re.compile(
    r"^\.\. (?:(currentmodule)|auto\w+):: (\S+)$(?:\n^   :members:(.*)$)?", re.MULTILINE
)


def _documented(text):
    """The objects that the directives of an API page name, by their full names."""
    module, found = "", {}
    for is_module, name, members in DIRECTIVE.findall(text):
        if is_module:
            module = f"{name}."
            continue
        full = name if name.startswith("keras_crosspool.") else module + name
        parent, _, last = full.rpartition(".")
        found[full] = getattr(importlib.import_module(parent), last)
        for member in filter(None, re.split(r"[ ,]+", members)):
            assert getattr(found[full], member).__doc__, f"{full}.{member}"
    return found


@pytest.fixture(scope="module")
def documented():
    pages = sorted(API.glob("*.md"))
    each = [_documented(page.read_text()) for page in pages]
    assert all(each)
    names = [name for found in each for name in found]
    assert len(names) == len(set(names))  # Sphinx would give one name two places
    return [value for found in each for value in found.values()]


def test_settings_are_those_of_the_package(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # restored afterwards
    settings = runpy.run_path(ROOT / "docs" / "conf.py")
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert settings["project"] == config["metadata"]["name"]
    assert config["metadata"]["version"] == "attr: keras_crosspool.__version__"
    assert settings["version"] == settings["release"] == keras_crosspool.__version__


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_every_public_name_is_on_an_api_page(documented, room):
    package = importlib.import_module(f"keras_crosspool.{room}".rstrip("."))
    values = {name: getattr(package, name) for name in package.__all__ if name not in ROOMS}
    plain = {name for name, value in values.items() if not callable(value)}  # tables, limits
    missing = [
        name
        for name, value in values.items()
        if name not in plain and not any(value is one for one in documented)
    ]
    assert not missing, f"name them on a page of {API}"
    pages = "".join(page.read_text() for page in API.glob("*.md"))
    assert all(re.search(rf"\b{name}\b", pages) for name in plain)


def test_a_directive_of_a_name_that_is_gone_is_seen():
    with pytest.raises(AttributeError, match="Gone"):
        _documented(".. currentmodule:: keras_crosspool.layers\n\n.. autoclass:: Gone\n")


def test_the_index_gives_the_site_every_page_in_a_section(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    settings = runpy.run_path(ROOT / "docs" / "conf.py")
    source = [(ROOT / "docs" / "index.md").read_text()]
    settings["add_toctrees"](None, settings["root_doc"], source)
    entries = re.findall(r"^.+ <(\S+\.md)>$", source[0], re.MULTILINE)
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")}
    pages |= {ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")}
    found = [(ROOT / "docs" / entry).resolve() for entry in entries]
    assert sorted(found) == sorted(pages - {ROOT / "docs" / "index.md"})
