"""ONNX Runtime Web: the npm package that runs the model in the browser, fetched once and pinned."""

import base64
import hashlib
import http.client
import importlib.metadata
import io
import os
import pathlib
import tarfile
import urllib.request

from keras_crosspool.files import atomic_path, default_cache_dir

VERSION = "1.30.0"
PACKAGE_FILE = f"onnxruntime-web-{VERSION}.tgz"
# The integrity that the npm registry states for this version.
_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
_REGISTRY = "https://registry.npmjs.org"
_SECONDS = 60  # without a byte
_FROM_PACKAGE = {  # suffixes that every server knows
    "package/dist/ort.wasm.bundle.min.mjs": "onnxruntime.js",
    "package/dist/ort-wasm-simd-threaded.wasm": "onnxruntime.wasm",
}
# The npm package holds no text of a licence; the Python package of the same project does.
_LICENCES = ("LICENSE", "ThirdPartyNotices.txt")


def find_runtime(path=None):
    """The bytes of the runtime's npm package, whose digest is the pinned one.

    It is fetched once, from the registry that npm is set to (`npm_config_registry`), and kept in
    the folder `keras_crosspool` of Keras' own.

    Args:
        path: path of the package, as `npm pack onnxruntime-web@VERSION` writes it. Defaults to
            `None`: the one that was kept, or else the registry's.

    Returns:
        bytes of a `.tgz` file.

    Raises:
        ValueError: if it is another file than the pinned one.
        OSError: if it cannot be read or fetched.

    Example:

    >>> len(find_runtime("onnxruntime-web-1.30.0.tgz")) > 30_000_000  # doctest: +SKIP
    True
    """
    if path is not None:
        return _checked(pathlib.Path(path).read_bytes(), path)
    kept = default_cache_dir() / PACKAGE_FILE
    if kept.is_file():
        return _checked(kept.read_bytes(), kept)
    registry = os.environ.get("npm_config_registry") or _REGISTRY  # noqa: SIM112, npm names it so
    url = f"{registry.rstrip('/')}/onnxruntime-web/-/{PACKAGE_FILE}"
    content = _checked(_fetch(url), url)
    with atomic_path(kept) as file:
        file.write_bytes(content)
    return content


def unpack_runtime(content, folder):
    """Writes what a page needs of the runtime, with its licence.

    Args:
        content: bytes, from `find_runtime`.
        folder: `pathlib.Path` of a folder that is there.

    Raises:
        ImportError: if ONNX Runtime's Python package, which has the licence, is not installed.
    """
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        for member, name in _FROM_PACKAGE.items():
            (folder / name).write_bytes(package.extractfile(member).read())
    of_project = importlib.metadata.distribution("onnxruntime").locate_file("onnxruntime")
    for name in _LICENCES:
        (folder / name).write_bytes(pathlib.Path(of_project, name).read_bytes())


def _checked(content, origin):
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != _SHA512:
        raise ValueError(
            f"This is not the package onnxruntime-web {VERSION} of the npm registry: remove it, or "
            f"fetch it again by `npm pack onnxruntime-web@{VERSION}`. Expected sha512-{_SHA512}. "
            f"Received: {origin} with sha512-{digest}"
        )
    return content


def _fetch(url):
    advice = (
        f"fetch it on a machine with network by npm pack onnxruntime-web@{VERSION}, and name the "
        f"file by `runtime={PACKAGE_FILE}`"
    )
    if not url.startswith("https://"):
        raise ValueError(
            f"The npm registry must be an https:// address, or {advice}. Received: {url}"
        )
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            return answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise OSError(
            f"The runtime of the page cannot be fetched ({error}): {advice}. Received: {url}"
        ) from error
