"""The main demo: the page that it serves, asked over HTTP, and what it refuses."""

import contextlib
import importlib.util
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.page.chromium import Chromium, find_chromium

DEMO = "keras_crosspool.demo"
ROOT = pathlib.Path(__file__).parents[2]
BOUNDARY = "demo-of-keras-crosspool"
HALF = 3000  # bytes of a JPEG
# What the browser makes of the page, in pixels.
SHOWN = """(() => {
  const captions = [...document.querySelectorAll("#nearest .caption-label")];
  const lefts = captions.map((x) => x.parentElement.getBoundingClientRect().left);
  const grid = document.querySelector("#nearest .grid-wrap");
  return JSON.stringify({
    page: document.documentElement.scrollWidth,
    columns: new Set(lefts).size,
    cut: captions.filter((x) => x.scrollWidth > x.clientWidth).length,
    hidden: Math.max(grid.scrollWidth - grid.clientWidth, grid.scrollHeight - grid.clientHeight),
    heat: document.querySelector("#heat img").getBoundingClientRect().width,
  });
})()"""

with_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None,
    reason="Gradio is not installed: make test_demo runs this test",
)
without_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is not None, reason="Gradio is installed"
)


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _error(done):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    return line


def test_help_in_words(run_main):
    done = run_main(DEMO, "--help")
    assert done.returncode == 0, done.stderr
    assert "python -m keras_crosspool.demo " in done.stdout
    assert "--descriptors:" in done.stdout


@without_gradio
def test_without_gradio_one_line_says_what_to_install(run_main, model_directory):
    done = run_main(DEMO, f"--model={model_directory}", f"--port={_free_port()}")
    assert "run `pip install keras_crosspool[demo]`" in _error(done)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--model=nowhere", "--port=0"), r"--port=0: 0 is not an integer in the range \[1, 6"),
        (("--model=nowhere", "--host=203.0.113.7"), r"name another --port.*203\.0\.113\.7"),
        (("--nearest=3",), "--model must have a value"),
        (("--model=nowhere", "photo.jpg"), "Only flags are taken here"),
    ],
)
def test_bad_flags(fork_main, flags, words):
    assert re.search(words, _error(fork_main(DEMO, *flags)))


def test_a_port_that_is_taken(fork_main, model_directory):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = fork_main(DEMO, f"--model={model_directory}", f"--port={port}")
    assert (
        f"name another --port, or as --host an address of this machine. Received: 127.0.0.1:{port}"
        in _error(done)
    )


@with_gradio
def test_no_model_and_no_descriptors(fork_mains, model_directory, tiny_folder):
    port = f"--port={_free_port()}"
    runs = fork_mains(
        {
            "model": (DEMO, f"--model={tiny_folder}", port),
            "descriptors": (
                DEMO, f"--model={model_directory}", f"--descriptors={tiny_folder}", port,
            ),
        }
    )  # fmt: skip
    assert "This is no model directory" in _error(runs["model"])
    assert "This is no folder of descriptors" in _error(runs["descriptors"])


@contextlib.contextmanager
def _started(*flags, temporary):
    """The demo as a process, and its address once it says it."""
    port, log = _free_port(), temporary.parent / "stderr.txt"
    # A process that is started in the background ignores interrupts, and so do its children.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", DEMO, f"--port={port}", *map(str, flags)],
                cwd=ROOT,
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
    finally:
        signal.signal(signal.SIGINT, ours)
    try:
        line = process.stdout.readline()
        said = re.fullmatch(r"open (\S+) in a browser; Ctrl-C ends it\n", line)
        assert said, log.read_text()
        yield process, said[1]
    finally:
        process.kill()
        process.communicate()


def _upload(address, name, content):
    """Uploads a file as the page does; where Gradio keeps it."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    )
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return _json(urllib.request.Request(f"{address}gradio_api/upload", body, kind))[0]


def _ask(address, file):
    """What the page's components get for a file: a list."""
    file = file and file | {"meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [file]}).encode()
    call = f"{address}gradio_api/call/answer"
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    event = _json(request)["event_id"]
    with urllib.request.urlopen(f"{call}/{event}") as answer:
        (kind,), (data,) = zip(
            *re.findall(r"^event: (.*)\ndata: (.*)$", answer.read().decode(), re.MULTILINE),
            strict=True,
        )
    return kind, json.loads(data)


def _json(request):
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def files(tiny_folder, tmp_path_factory):
    """Images that the model knows, one of nothing, and two that are no images."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("Anjou", "Orange"):
        shutil.copy(sorted((tiny_folder / "test" / name).iterdir())[1], folder / f"{name}.jpg")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8")
    Image.fromarray(noise).save(folder / "noise.png")
    (folder / "half.jpg").write_bytes((folder / "Anjou.jpg").read_bytes()[:HALF])
    (folder / "notes.txt").write_text("an orange\n")
    return folder


@pytest.fixture(scope="module")
def expected(fork_main, model_directory, files, tmp_path_factory):
    """What predict and search say of the images, and the folder of descriptors."""
    folder = tmp_path_factory.mktemp("expected")
    images = [files / name for name in ("Anjou.jpg", "Orange.jpg", "noise.png")]
    model, descriptors = f"--model={model_directory}", folder / "descriptors"
    for command in (
        ("predict", f"--json={folder}/predict.json", *images),
        ("extract", f"--output={descriptors}"),
        ("search", f"--descriptors={descriptors}", f"--json={folder}/search.json", *images),
    ):
        done = fork_main(f"keras_crosspool.{command[0]}", model, *command[1:])
        assert done.returncode == 0, done.stderr
    read = {
        name: json.loads((folder / f"{name}.json").read_text()) for name in ("predict", "search")
    }
    return list(zip(images, read["predict"], read["search"], strict=True)), descriptors


@pytest.fixture(scope="module")
def served(model_directory, expected, tmp_path_factory):
    """The running demo with descriptors: process, address and the folder of temporary files."""
    temporary = tmp_path_factory.mktemp("served") / "temporary"
    temporary.mkdir()
    flags = (f"--model={model_directory}", f"--descriptors={expected[1]}", "--nearest=4")
    with _started(*flags, temporary=temporary) as (process, address):
        yield process, address, temporary


@with_gradio
def test_the_page_says_what_predict_and_search_say(served, expected):
    _, address, _ = served
    refused = set()
    for path, predicted, searched in expected[0]:
        kept = _upload(address, path.name, path.read_bytes())
        kind, (sentence, classes, speed, where, similar) = _ask(
            address, {"path": kept, "orig_name": path.name}
        )
        assert kind == "complete"
        best = [(row["class"], row["probability"]) for row in predicted["classes"]]
        found = [(row["label"], row["confidence"]) for row in classes["confidences"]]
        assert [name for name, _ in found] == [name for name, _ in best]
        assert [p for _, p in found] == pytest.approx([p for _, p in best], abs=1e-5)
        refused.add(predicted["none_of_the_classes"])
        none = f"none of the 3 classes; nearest: {best[0][0]}"
        assert sentence == (none if predicted["none_of_the_classes"] else best[0][0])
        assert re.fullmatch(r"\d+ ms", speed)
        near = [f"{n['classes'][0]} {n['similarity']:.3f}" for n in searched["neighbours"][:4]]
        captions = [each["caption"] for each in similar]
        assert [text.split()[0] for text in captions] == [text.split()[0] for text in near]
        assert [float(text.split()[1]) for text in captions] == pytest.approx(
            [float(text.split()[1]) for text in near], abs=2e-3
        )
        for shown in (where, *(each["image"] for each in similar)):
            with urllib.request.urlopen(shown["url"]) as file, Image.open(file) as image:
                assert image.convert("RGB").getextrema() != ((0, 0),) * 3
    assert refused == {False, True}


@with_gradio
@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
@pytest.mark.parametrize(("width", "columns"), [(390, 2), (1280, 4)])
def test_the_page_fits_a_phone_and_a_desk(served, files, tmp_path, width, columns):
    with Chromium(tmp_path, width) as chromium:
        screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        chromium.send("Emulation.setDeviceMetricsOverride", **screen)
        chromium.open(served[1])
        chromium.wait_for("document.querySelector('input[type=file]') !== null")
        chromium.choose(files / "Anjou.jpg", "input[type=file]")
        chromium.wait_for("document.querySelectorAll('#nearest .caption-label').length === 4")
        chromium.wait_for("document.querySelector('#heat img')?.naturalWidth > 0")
        shown = json.loads(chromium.evaluate(SHOWN))
    assert shown["page"] <= width
    assert shown["columns"] == columns
    assert shown["cut"] == 0  # captions
    assert shown["hidden"] <= 0  # of the gallery
    assert shown["heat"] > 900


@with_gradio
@pytest.mark.parametrize("name", ["half.jpg", "notes.txt"])
def test_what_is_no_image_gets_one_sentence(served, files, name, tried):
    _, address, _ = served
    kept = _upload(address, name, (files / name).read_bytes())
    kind, (sentence, *rest) = _ask(address, {"path": kept, "orig_name": name})
    assert kind == "complete"
    assert re.fullmatch(rf"An image cannot be decoded \(.*\); .*\. Received: {name}", sentence)
    assert rest == [{}, None, None, []]
    tried("demo", f"{name} on the page", sentence)


@with_gradio
def test_no_image_and_files_that_were_not_uploaded(served, files):
    _, address, _ = served
    assert _ask(address, None) == ("complete", ["", {}, None, None, []])
    assert _ask(address, {"path": str(files / "Anjou.jpg")})[0] == "error"
    data = {"path": None, "url": "data:image/png;base64,aaaa"}
    kind, (sentence, *_) = _ask(address, data)
    assert (kind, sentence) == ("complete", "The image must be an uploaded file. Received: none")


@with_gradio
def test_it_listens_on_this_machine_alone_and_tells_nobody(served):
    process, address, _ = served
    assert address.startswith("http://127.0.0.1:")
    connections = psutil.Process(process.pid).net_connections()
    assert {c.laddr.ip for c in connections if c.status == "LISTEN"} == {"127.0.0.1"}
    assert {c.raddr.ip for c in connections if c.raddr} <= {"127.0.0.1"}
    config = _json(f"{address}config")
    assert config["analytics_enabled"] is False
    assert not config.get("is_colab")
    with urllib.request.urlopen(address) as page:
        text = page.read().decode()
    assert not re.findall(r'<(?:script|link)[^>]*(?:src|href)="https?://(?!127\.0\.0\.1)', text)


@with_gradio
def test_an_interrupt_ends_it_and_leaves_nothing(served):
    process, address, temporary = served
    assert any(temporary.rglob("*.jpg")), "images that were asked about"
    log = temporary.parent / "stderr.txt"
    before = log.read_text()  # Gradio logs what the tests before asked for in vain
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert log.read_text() == before
    assert not any(path.is_file() for path in temporary.rglob("*"))
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)


@with_gradio
def test_without_the_training_images_the_page_says_why(model_directory, files, tmp_path):
    shutil.copytree(model_directory, tmp_path / "model")
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    record["data"]["path"] = str(tmp_path / "gone")
    (tmp_path / "model" / "model.json").write_text(json.dumps(record))
    (tmp_path / "temporary").mkdir()
    flags = (f"--model={tmp_path}/model",)
    with _started(*flags, temporary=tmp_path / "temporary") as (process, address):
        note = f"name with --data where they are now. Received: {tmp_path}/gone"
        assert note in json.dumps(_json(f"{address}config"), ensure_ascii=False)
        assert note in (tmp_path / "stderr.txt").read_text()
        kept = _upload(address, "Orange.jpg", (files / "Orange.jpg").read_bytes())
        kind, (sentence, *_, similar) = _ask(address, {"path": kept, "orig_name": "Orange.jpg"})
        assert (kind, sentence, similar) == ("complete", "Orange", [])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
