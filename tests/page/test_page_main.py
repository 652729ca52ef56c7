"""`crosspool page` as a user runs it."""

import pytest

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.files import default_cache_dir
from keras_crosspool.models.directory import save_model
from keras_crosspool.page.runtime import PACKAGE_FILE

MAIN = "keras_crosspool.page.__main__"


@pytest.fixture(scope="module")
def save(make_page_source, tmp_path_factory):
    """A function that saves the small model of a scheme: its directory."""

    def make(scheme="scheme1"):
        source = make_page_source(scheme)
        directory = tmp_path_factory.mktemp(scheme) / "model"
        save_model(directory, source.original, source.metadata)
        return directory

    return make


def test_a_page_is_written(fork_main, save, runtime, tmp_path):
    package = default_cache_dir() / PACKAGE_FILE
    done = fork_main(MAIN, f"--model={save()}", f"--output={tmp_path}/page", f"--runtime={package}")
    assert done.returncode == 0, done.stderr
    first, parity, following = done.stdout.splitlines()
    assert first.startswith(f"{tmp_path}/page: ")
    assert "passed on 12 images of test" in parity
    assert following == f"next: python -m http.server --directory={tmp_path}/page"
    assert read_artefact(tmp_path / "page" / "model.onnx").precision == "float32"
    written = {path.name for path in (tmp_path / "page").rglob("*") if path.is_file()}
    assert {"index.html", "page.js", "style.css", "onnxruntime.wasm", "LICENSE"} <= written
    assert int(first.split()[1]) == len(written)


def test_what_cannot_be_a_page_is_refused(fork_main, save, tmp_path):
    (tmp_path / "page").mkdir()
    runtime = tmp_path / "other.tgz"
    runtime.write_bytes(b"something else")
    output, averages = f"--output={tmp_path}/page", f"--model={save('global_average')}"
    cases = {
        "model": [averages, output],
        "runtime": [f"--model={save()}", output, f"--runtime={runtime}"],
        "output": [averages, f"--output={tmp_path}"],
    }
    lines = {}
    for case, arguments in cases.items():
        done = fork_main(MAIN, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        (lines[case],) = done.stderr.splitlines()
    assert lines["model"].startswith("error: A page shows where an answer comes from")
    assert lines["runtime"].startswith("error: This is not the package onnxruntime-web 1.30.0")
    assert lines["output"].startswith("error: The output exists and is no folder of a page")
    assert list((tmp_path / "page").iterdir()) == []
