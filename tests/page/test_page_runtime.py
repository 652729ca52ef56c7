"""The runtime's package: pinned, fetched once, kept, and refused where it is another."""

import base64
import hashlib
import io
import tarfile
import urllib.error

import pytest

from keras_crosspool.page import runtime


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A small package that is taken for the pinned one; the cache is a folder of its own."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in (
            "package/dist/ort.wasm.bundle.min.mjs",
            "package/dist/ort-wasm-simd-threaded.wasm",
            "package/dist/ort.all.js",
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    content = file.getvalue()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    monkeypatch.setattr(runtime, "_SHA512", digest)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return content


@pytest.fixture
def answers(monkeypatch):
    """A function that sets what the network gives; the list of the addresses asked for."""
    asked = []

    def answer(content):
        def urlopen(url, timeout):
            asked.append(url)
            if isinstance(content, Exception):
                raise content
            return io.BytesIO(content)

        monkeypatch.setattr(runtime.urllib.request, "urlopen", urlopen)
        return asked

    return answer


def test_it_is_fetched_once_and_kept(package, answers, monkeypatch):
    monkeypatch.delenv("npm_config_registry", raising=False)
    asked = answers(package)
    assert runtime.find_runtime() == package
    assert runtime.find_runtime() == package
    assert asked == [
        "https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz",
    ]


def test_the_registry_is_that_of_npm(package, answers, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "https://npm.example/mirror/")
    asked = answers(package)
    runtime.find_runtime()
    assert asked == ["https://npm.example/mirror/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz"]


def test_plain_http_is_refused(package, answers, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://npm.example")
    asked = answers(package)
    with pytest.raises(ValueError, match=r"must be an https:// address.*Received: http://npm"):
        runtime.find_runtime()
    assert not asked


def test_without_network_it_says_what_to_do(package, answers, tmp_path):
    answers(urllib.error.URLError("no route"))
    with pytest.raises(OSError, match=r"no route.*npm pack onnxruntime-web@1.30.0.*`runtime=onnx"):
        runtime.find_runtime()
    assert not (tmp_path / "keras").exists()


def test_another_file_is_refused_and_not_kept(package, answers, tmp_path):
    answers(package + b"!")
    words = r"not the package onnxruntime-web 1\.30\.0.*Expected sha512-.*Received: https://"
    with pytest.raises(ValueError, match=words):
        runtime.find_runtime()
    assert not (tmp_path / "keras").exists()
    other = tmp_path / "other.tgz"
    other.write_bytes(package[:-1])
    with pytest.raises(ValueError, match=r"Received: .*other\.tgz with sha512-"):
        runtime.find_runtime(other)


def test_a_page_gets_the_runtime_and_its_licence(package, tmp_path):
    runtime.unpack_runtime(package, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "onnxruntime.js",
        "onnxruntime.wasm",
        "LICENSE",
        "ThirdPartyNotices.txt",
    }
    assert (tmp_path / "onnxruntime.wasm").read_text().endswith("threaded.wasm")
    assert (tmp_path / "LICENSE").read_text().startswith("MIT License")
