"""Which runtimes open which files: every format and precision, shown to runtimes that are not ours.

A model is exported in every format, and each file runs in each runtime, in a process of its own, on
the same real images. The answers are held to the tolerance of the file's precision. What is refused
is told in a table of its own.

    python -m benchmarks.runtimes --model=quickstart/model
"""

import pathlib

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory.", required=True)
flags.DEFINE_integer("images", 16, "Real images that each runtime is shown.", 8)
flags.DEFINE_string(
    "older_onnxruntime",
    "1.20.1",
    "Version of ONNX Runtime of two years ago, in an environment of its own; empty leaves it out.",
)
flags.DEFINE_string("environments", ".venv-runtimes", "Folder of such environments.")
flags.DEFINE_bool(
    "web", True, "Run ONNX Runtime Web and LiteRT.js too, which take Node.js and npm."
)
flags.DEFINE_string("output", "benchmarks/results/runtimes.json", "JSON file of the table.")
flags.DEFINE_string(
    "refused_output", "benchmarks/results/runtimes_refused.json", "JSON file of what is refused."
)

_OF_OPENVINO = ("tflite", "onnx", "openvino")
_EQUAL, _DIFFERS, _REFUSED, _NOT_SHOWN = "equal", "differs", "refused", ""


def _clients(folder):
    from benchmarks.runtimes.client import (
        litert_js_client,
        older_client,
        python_client,
        web_client,
    )

    environments = pathlib.Path(FLAGS.environments).absolute()
    clients = [
        python_client("LiteRT Interpreter", ("tflite",), "litert_interpreter"),
        python_client("LiteRT CompiledModel", ("tflite",), "litert_compiled_model"),
        python_client("MediaPipe", ("tflite",), "mediapipe"),
        python_client("ONNX Runtime", ("onnx",), "onnxruntime"),
        python_client("OpenVINO", _OF_OPENVINO, "openvino"),
        # An older CPU adds pairs of int8 products in 16 bits.
        python_client(
            "OpenVINO without VNNI", _OF_OPENVINO, "openvino", ONEDNN_MAX_CPU_ISA="AVX512_CORE"
        ),
        python_client("OpenCV", ("tflite", "onnx"), "opencv"),
        python_client("TensorFlow Serving signature", ("savedmodel",), "tensorflow"),
    ]
    if FLAGS.older_onnxruntime:
        requirement = f"onnxruntime=={FLAGS.older_onnxruntime}"
        title = f"ONNX Runtime {FLAGS.older_onnxruntime}"
        clients.append(older_client(title, ("onnx",), "onnxruntime", requirement, environments))
    if FLAGS.web:
        clients.append(web_client("ONNX Runtime Web", ("onnx",), folder / "web"))
        clients.append(litert_js_client("LiteRT.js", ("tflite",), environments))
    return clients


def main(_):
    import numpy as np

    from benchmarks.record import write_record
    from benchmarks.table import rows_table
    from keras_crosspool.exporting.exporter_main import quieten_logs
    from keras_crosspool.exporting.images import read_images
    from keras_crosspool.exporting.parity import Comparator
    from keras_crosspool.exporting.source import load_source
    from keras_crosspool.files import scratch_directory

    quieten_logs()
    source = load_source(FLAGS.model)
    images = read_images(source.metadata, "parity", limit=FLAGS.images)
    comparator = Comparator.of(source, images)
    rows, refused = [], []
    with scratch_directory() as folder:
        np.save(folder / "images.npy", images.pixels)
        clients = _clients(folder)
        for row, precision in _exports():
            shown = _shown(source, comparator, folder, row, precision, clients)
            rows.append({"file": f"{row.name} {precision}"} | {k: v[0] for k, v in shown.items()})
            refused += [
                {"file": rows[-1]["file"], "runtime": title, "verdict": verdict, "why": why}
                for title, (verdict, why) in shown.items()
                if why
            ]
    arguments = {name: FLAGS[name].value for name in ("model", "images", "older_onnxruntime")}
    facts = {"data": images.data, "arguments": arguments}
    write_record(FLAGS.output, facts | {"rows": rows})
    write_record(FLAGS.refused_output, facts | {"rows": refused})
    print(f"{rows_table(rows)}\n\n{rows_table(refused)}\nwritten: {FLAGS.output}")


def _exports():
    from keras_crosspool.exporting import formats

    return formats.parse_list(["all"])


def _shown(source, comparator, folder, row, precision, clients):
    """What each runtime makes of one file: dict, its title to verdict and reason."""
    from keras_crosspool.exporting import formats
    from keras_crosspool.exporting.parity import ParityError

    path = folder / f"model-{precision}{row.suffix}"
    options = {"allow_slower": True} if "allow_slower" in _names(row, precision) else {}
    try:
        record = formats.resolve(row.exporter)(source, path, precision, comparator, **options)
    except (ParityError, ValueError) as error:
        return {"made": (_REFUSED, str(error))}
    built = record.details.get("engine_state", "proven")
    found = {"made": (built, "")}
    for client in clients:
        verdict = (_NOT_SHOWN, "")
        if row.name in client.formats:
            verdict = _verdict(client, path, record, comparator)
        found[client.title] = verdict
    return found


def _names(row, precision):
    return {option.name for option in row.options_of(precision)}


def _verdict(client, path, record, comparator):
    """Whether a runtime opens a file and agrees with Keras, and why not."""
    scores = client.run(path, path.with_name("images.npy"))
    if isinstance(scores, str):
        return _REFUSED, scores
    result = _compare(scores, record, comparator)
    return (_EQUAL, "") if result else (_DIFFERS, "; ".join(result.failures))


def _compare(scores, record, comparator):
    """The scores of a file beside Keras' own, as `ParityResult`."""
    from keras_crosspool.exporting.parity_result import TOLERANCES, ParityResult
    from keras_crosspool.targets import TARGETS

    task, expected = TARGETS[record.model["task"]], comparator.reference
    if record.outputs[0]["name"] == "probabilities":
        expected, scores = task.logits(task.probabilities(expected)), task.logits(scores)
    return ParityResult.measure(
        expected, scores, comparator.images.labels, TOLERANCES[record.precision]
    )


if __name__ == "__main__":
    run(main, needs="tensorflow")
