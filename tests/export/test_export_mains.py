"""The exporters' mains, run as a user runs them."""

import json

import pytest

from keras_crosspool.exporting.artefact import read_artefact
from keras_crosspool.exporting.formats import FORMATS


def test_tflite(run_main, solved_directory, tmp_path):
    output = tmp_path / "model.tflite"
    done = run_main(
        "export.tflite",
        f"--model={solved_directory}",
        f"--output={output}",
        "--precision=float16",
        "--scores=logits",
        "--input=uint8",
        "--parity_images=16",
    )
    assert done.returncode == 0, done.stderr
    assert "tflite float16" in done.stdout
    record = read_artefact(output)
    assert (record.inputs[0]["dtype"], record.outputs[0]["name"]) == ("uint8", "logits")
    assert "passed on 16 images of test" in done.stdout
    assert read_artefact(output).parity["images"] == 16


def test_an_embedder(fork_main, solved_directory, tmp_path):
    output = tmp_path / "embedder.onnx"
    done = fork_main(
        "export.onnx",
        f"--model={solved_directory}",
        f"--output={output}",
        "--descriptor",
        "--parity_images=16",
    )
    assert done.returncode == 0, done.stderr
    assert read_artefact(output).outputs[0]["name"] == "descriptor"
    assert "nearest neighbour accuracy" in done.stdout


@pytest.mark.parametrize("name", ["savedmodel", "openvino"])
def test_a_folder(fork_main, small_directory, tmp_path, name):
    output = tmp_path / f"model.{name}"
    command = ["keras_crosspool.cli", "export", name, f"--model={small_directory}"]
    done = fork_main(*command, f"--output={output}", "--parity_images=8")
    assert done.returncode == 0, done.stderr
    assert f"{output}: {name} float32, " in done.stdout
    assert "passed on 8 images of test" in done.stdout
    assert ("with float16 arithmetic" in done.stdout) == (name == "openvino")
    assert read_artefact(output).parity["images"] == 8


def test_a_triton_repository(fork_main, small_directory, tmp_path):
    done = fork_main(
        "export.onnx",
        f"--model={small_directory}",
        f"--output={tmp_path / 'model.onnx'}",
        "--parity_images=8",
        "--triton",
    )
    assert done.returncode == 0, done.stderr
    assert f"triton     {tmp_path / 'model-triton'}" in done.stdout
    assert (tmp_path / "model-triton" / "model_onnx" / "config.pbtxt").is_file()


def test_a_users_folder_is_not_replaced(fork_main, tmp_path):
    notes = tmp_path / "model.savedmodel" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("precious")
    done = fork_main("export.savedmodel", f"--model={tmp_path}", f"--output={notes.parent}")
    assert done.returncode == 2
    assert "not as an export wrote it: move that, or name another output." in done.stderr
    assert notes.read_text() == "precious"
    assert list(tmp_path.rglob("*")) == [notes.parent, notes]


def test_a_failed_parity_exits_with_1_and_leaves_nothing(
    fork_main, solved_directory, tmp_path, grocery
):
    """Calibrated on one dark corner of the data, int8 is not the model any more."""
    import numpy as np
    from PIL import Image

    folder = tmp_path / "black" / "train" / "Anjou"
    folder.mkdir(parents=True)
    for i in range(2):
        Image.fromarray(np.full((128, 128, 3), i, "uint8")).save(folder / f"{i}.png")
    output = tmp_path / "out" / "model.onnx"
    done = fork_main(
        "export.onnx",
        f"--model={solved_directory}",
        f"--output={output}",
        "--precision=int8",
        f"--calibration_data={tmp_path / 'black'}",
        "--parity_images=16",
    )
    assert done.returncode == 1, done.stderr
    assert "error: Parity failed, so nothing was written" in done.stderr
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        ("export.tflite", ["--output=x.txt"], "--output must end in .tflite"),
        ("export.tflite", ["--output=x.tflite", "--scores=odds"], "should be one of"),
        ("export.tflite", ["--output=x.tflite", "--descriptor", "--scores=logits"], "no scores"),
        ("export.tflite", ["--output=x.tflite", "--calibration_split=train"], "applies to int8"),
        ("export.onnx", ["--output=x.onnx", "--parity_data=nowhere"], "--parity_data=FOLDER"),
        ("export.onnx", ["--output=x.onnx", "--model=nowhere"], "no model directory"),
        ("export.tensorrt", ["--output=x.engine", "--profile=8/1/2"], "such as 1/8/32"),
        (
            "export.tensorrt",
            ["--output=x.engine", "--triton", "--product=tensorrt_rtx"],
            "export ONNX with --triton. Received: --product=tensorrt_rtx",
        ),
        ("export.savedmodel", ["--output=x"], "--output must end in .savedmodel"),
        (
            "export",
            ["--output=x", "--formats=coreml"],
            "Formats are tflite, onnx, tensorrt, ",
        ),
        ("export.tflite", ["--output=x.tflite", "--no_such_flag"], "no_such_flag"),
    ],
)
def test_bad_input(fork_main, solved_directory, tmp_path, module, arguments, words):
    done = fork_main(module, f"--model={solved_directory}", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.heavy
def test_every_format_continues_past_a_failed_one(run_main, solved_directory, tmp_path):
    output = tmp_path / "out"
    done = run_main(
        "export",
        f"--model={solved_directory}",
        f"--output={output}",
        "--formats=tflite:int8,tflite:float32,onnx:float16",
        "--calibration_data=nowhere",
        "--parity_images=16",
    )
    assert done.returncode == 1
    assert "1 of 3 not made" in done.stderr
    assert "model-int8.tflite: The images for calibration are not here" in done.stderr
    made = {path.name for path in output.iterdir()}
    assert made == {
        "export.json",
        "model-float16.onnx",
        "model-float16.onnx.json",
        "model-float32.tflite",
        "model-float32.tflite.json",
    }
    table = json.loads((output / "export.json").read_text())
    assert [row["state"] for row in table] == ["failed", "parity passed", "parity passed"]
    assert "model-float32.tflite" in done.stdout


@pytest.mark.parametrize("module", ["export", *(f"export.{row.name}" for row in FORMATS)])
def test_help_lists_the_flags(fork_main, module):
    done = fork_main(module, "--help")
    assert done.returncode == 0
    for flag in ("--model", "--output", "--parity_images"):
        assert flag in done.stdout


@pytest.mark.parametrize("arguments", [[], ["coreml"], ["--help"]])
def test_the_main_of_formats_takes_a_name(fork_main, arguments):
    done = fork_main("keras_crosspool.exporting.mains.export_format", *arguments)
    assert done.returncode == 2
    received = arguments[0] if arguments else ""
    assert done.stderr.startswith("error: Formats are tflite, onnx, ")
    assert done.stderr.endswith(f"Received: {received!r}\n")


@pytest.mark.parametrize("name", ["export.json", "model-float32.tflite"])
def test_a_users_own_file_is_not_replaced(fork_main, solved_directory, tmp_path, name):
    (tmp_path / name).write_text("precious")
    done = fork_main(
        "export",
        f"--model={solved_directory}",
        f"--output={tmp_path}",
        "--formats=tflite:float32",
        "--parity_images=16",
    )
    assert done.returncode in (1, 2), done.stderr
    assert "name another output. Received: " in done.stderr
    assert (tmp_path / name).read_text() == "precious"
