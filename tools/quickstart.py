"""The whole line in one go: train, evaluate, predict, export, prove and time.

Runs the commands a user would type, on the images in data/grocery_mini, and writes what came
of them to quickstart/: the model directory, the heat map, the artefacts, the latency table and
report.json.

    python -m tools.quickstart
"""

import json
import pathlib
import subprocess
import sys
import time

from absl import flags

from keras_crosspool.files import atomic_path
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("output", "quickstart", "Folder for everything that is made.")
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images with the splits train, test.")
flags.DEFINE_string(
    "image", "data/grocery_mini/test/Pink-Lady/Pink-Lady_031.jpg", "Image to predict."
)


def main(_):
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    seconds = {name: _run_stage(name, arguments) for name, arguments in _commands(output).items()}
    report = _report(output, seconds)
    with atomic_path(output / "report.json") as path:
        path.write_text(json.dumps(report, indent=2))
    _print(report, output)


def _commands(output):
    """The commands by stage, in order."""
    model, data = f"--model={output / 'model'}", f"--data={FLAGS.data}"
    tflite, onnx = output / "model.tflite", output / "model.onnx"
    return {
        "train": [
            "keras_crosspool.train", data, "--val_split=test", "--crop_scales=1", "--nomirror",
            f"--output={output / 'model'}",
        ],
        "evaluate": ["keras_crosspool.evaluate", model, data, f"--json={output / 'scores.json'}"],
        "predict": [
            "keras_crosspool.predict", model, FLAGS.image,
            f"--json={output / 'prediction.json'}", f"--explain={output / 'explanation.png'}",
        ],
        "export_tflite": ["export.tflite", model, f"--output={tflite}"],
        "export_onnx": ["export.onnx", model, f"--output={onnx}"],
        "latency": [
            "benchmarks.latency", model, data, "--split=test", "--noeager", "--per_round=10",
            str(tflite), str(onnx),
            f"--output={output / 'latency.json'}",
        ],
    }  # fmt: skip


def _run_stage(name, arguments):
    """Runs one command as a user would; its seconds. Stops the quickstart where it fails."""
    print(f"\n$ python -m {' '.join(arguments)}", flush=True)
    start = time.perf_counter()
    status = subprocess.run([sys.executable, "-m", *arguments], check=False).returncode
    if status:
        print(f"error: the stage {name} failed with exit code {status}", file=sys.stderr)
        sys.exit(status)
    return round(time.perf_counter() - start, 1)


def _report(output, seconds):
    scores = _read(output / "model" / "model.json")["scores"]
    artefacts = {path.suffix[1:]: path for path in (output / "model.tflite", output / "model.onnx")}
    sidecars = {name: _read(f"{path}.json") for name, path in artefacts.items()}
    return {
        "accuracy": _read(output / "scores.json")["top1"],
        "baseline_accuracy": scores["baseline"]["validation"]["accuracy"],
        "seconds": seconds,
        "artefacts": {name: str(path) for name, path in artefacts.items()},
        "parity": {name: sidecar["parity"] for name, sidecar in sidecars.items()},
        "latency": _read(output / "latency.json"),
    }


def _read(path):
    return json.loads(pathlib.Path(path).read_text())


def _print(report, output):
    gain = report["accuracy"] - report["baseline_accuracy"]
    print(
        f"\ncross-layer pooling {report['accuracy']:.3f}, global average pooling "
        f"{report['baseline_accuracy']:.3f}: {100 * gain:+.1f} points on the test images of "
        f"{FLAGS.data}, in {sum(report['seconds'].values()):.0f} s"
    )
    for name in sorted(path.name for path in output.iterdir()):
        print(f"  {output / name}")


if __name__ == "__main__":
    run(main)
