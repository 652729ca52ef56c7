"""The code blocks of docs/ run: Python on every page, and commands too in the tutorials."""

import pathlib
import shutil

import pytest

from tests.docs.run_page import read_blocks, run_page

DOCS = pathlib.Path(__file__).parents[2] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
WITH_PYTHON = [page for page in sorted(DOCS.glob("*.md")) if "\n```python\n" in page.read_text()]
# What a reader of a page has made with the commands of that page.
MADE_BEFORE = {
    "export.md": "import keras_crosspool as kcp\n"
    "for name in ('model.tflite', 'model.openvino'):\n"
    "    kcp.export(kcp.load('model'), name, parity=False)\n",
    "report.md": "import os\n\nimport keras_crosspool as kcp\n\nos.mkdir('artefacts')\n"
    "kcp.export(kcp.load('model'), 'artefacts/model.tflite', parity=False)\n",
    "retrieval.md": "from keras_crosspool.retrieval import extract\n"
    "extract('model', 'descriptors', format='packed')\n",
}
LINES = 120


@pytest.fixture
def reader(tmp_path, model_directory, copy_images, grocery):
    """A working folder with the project's data, photographs, a model and an image."""
    (tmp_path / "data").symlink_to(grocery.parent)
    shutil.copytree(model_directory, tmp_path / "model")
    copy_images(tmp_path, {"train": 8})
    (tmp_path / "train").rename(tmp_path / "PHOTOS")
    shutil.copy(grocery / "test" / "Orange" / "Orange_003.jpg", tmp_path / "photo.jpg")
    return tmp_path


def _page_id(page):
    return page.relative_to(DOCS).as_posix()


@pytest.mark.pages
@pytest.mark.parametrize("page", WITH_PYTHON, ids=_page_id)
def test_python_of_a_page_runs(page, reader, run_main):
    (reader / "made.md").write_text(f"```python\n{MADE_BEFORE.get(page.name, '')}```\n")
    for path in (reader / "made.md", page):
        done = run_main("tests.docs.run_page", path, "python", cwd=reader)
        assert done.returncode == 0, done.stderr


@pytest.mark.pages
@pytest.mark.parametrize("page", TUTORIALS, ids=_page_id)
def test_tutorial_runs(page, tmp_path, run_main, grocery):
    (tmp_path / "data").symlink_to(grocery.parent)
    done = run_main("tests.docs.run_page", page, "python,sh", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", [*WITH_PYTHON, *TUTORIALS], ids=_page_id)
def test_python_of_a_page_compiles(page):
    blocks = read_blocks(page.read_text())
    python = [block for block in blocks if block.language == "python"]
    assert python or page in TUTORIALS
    for block in python:
        compile(block.text, f"{page}:{block.line}", "exec")


@pytest.mark.parametrize("page", TUTORIALS, ids=_page_id)
def test_tutorial_is_short_and_runs_most_of_its_code(page):
    text = page.read_text()
    blocks = read_blocks(text)
    assert len(text.splitlines()) <= LINES
    assert len(blocks) == text.count("\n```python\n") + text.count("\n```sh\n")
    assert sum(not block.reason for block in blocks) > len(blocks) / 2


def test_blocks_share_names_and_stop_where_one_fails(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```python\nx = 2\n```\n\n```sh\necho one > file\n```\n\n"
        "<!-- not run: needs a GPU -->\n```python\nraise SystemExit\n```\n\n"
        "```python\nimport pathlib\n\nprint(x + 1, pathlib.Path('file').read_text())\n```\n\n"
        "```text\n1 +\n```\n"
    )
    run_page(page, ("python", "sh"))
    assert capfd.readouterr().out == "3 one\n\n"
    assert [block.reason for block in read_blocks(page.read_text())] == ["", "", "needs a GPU", ""]
    page.write_text("```sh\nfalse\necho late > late\n```\n")
    with pytest.raises(Exception, match="exit status 1"):
        run_page(page, ("sh",))
    assert not (tmp_path / "late").exists()
