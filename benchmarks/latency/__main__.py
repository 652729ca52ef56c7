"""Latency, memory, size and accuracy of artefacts and their Keras model, side by side.

Every runtime runs in a process of its own and sees the same real images, one at a time. Each
warms up until it is stable; then they take turns in rounds whose order is shuffled. All samples
are kept. Written: a JSON file with everything, and beside it a table (.md), .csv and a plot (.png).
A multi-label model is scored by its mean average precision. Unstable figures are not written to
benchmarks/results/, from which the README is made.

    python -m benchmarks.latency model.tflite model.onnx --model=model --data=PHOTOS --split=val
    python -m benchmarks.latency model.tflite --data=PHOTOS --split=val --compare=old.json
"""

import dataclasses
import os
import pathlib
import sys

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, to time Keras beside the artefacts.")
flags.DEFINE_string(
    "data", None, "Folder of images split/class/*.jpg, or tfds:NAME; the model's own if unset."
)
flags.DEFINE_string("split", None, "Split of the images; the model's validation split if unset.")
flags.DEFINE_integer(
    "images", 0, "Labelled images to use, drawn evenly over the classes; 0 takes the split.", 0
)
flags.DEFINE_integer("rounds", 10, "Rounds in which all runtimes take their turn.", 2)
flags.DEFINE_integer("per_round", 20, "Images, drawn anew each round, that a turn times.", 1)
flags.DEFINE_bool("eager", True, "Time Keras called as model(x) too, beside its predict function.")
flags.DEFINE_string(
    "relative_to", None, "The artefact whose p90 the others are told as a multiple of."
)
flags.DEFINE_list("threads", ["1", "2"], "Numbers of threads to run artefacts with, on the CPU.")
flags.DEFINE_integer("seed", 0, "Seed of the order of the runtimes and of the images.")
flags.DEFINE_string("output", "benchmarks/results/latency.json", "JSON file to write.")
flags.DEFINE_bool(
    "keep_unstable",
    False,
    "Write unstable figures even to benchmarks/results/, the published ones.",
)
flags.DEFINE_string("compare", None, "Older JSON file; shows what changed, with 95% intervals.")


def main(paths):
    from benchmarks.latency.comparison import check_rounds
    from benchmarks.latency.remote_runner import WorkerCrashError
    from benchmarks.latency.results import read_results, write_results
    from benchmarks.record import UnstableError, complete_record

    if pathlib.Path(FLAGS.output).suffix != ".json":
        raise ValueError(f"--output must end in .json. Received: {FLAGS.output}")
    old = read_results(FLAGS.compare) if FLAGS.compare else None
    if old:
        check_rounds(FLAGS.rounds, "--rounds")
        check_rounds(old["settings"]["rounds"], FLAGS.compare)
    try:
        results = complete_record(_benchmark(paths))
    except WorkerCrashError as error:
        sys.exit(f"error: {error}")
    try:
        files = write_results(results, FLAGS.output, FLAGS.keep_unstable)
    except UnstableError as error:
        _print(results, old)
        sys.exit(f"error: {error}")
    _print(results, old)
    print("written:", *files)


def _benchmark(paths):
    from benchmarks.latency.measurement import measure, schedule
    from benchmarks.latency.results import derive
    from benchmarks.latency.subjects import open_subjects
    from keras_crosspool.targets import TARGETS

    calls = ("predict", "eager") if FLAGS.eager else ("predict",)
    subjects = open_subjects(paths, FLAGS.model, _threads(), calls)
    images = subjects.read_images(FLAGS.data, FLAGS.split, FLAGS.images or None)
    yardstick = FLAGS.relative_to and _yardstick(paths)
    names = [candidate.name for candidate in subjects.candidates]
    plan = schedule(names, len(images.pixels), FLAGS.rounds, FLAGS.per_round, FLAGS.seed)
    load_before = os.getloadavg()[0]
    measurements = measure(subjects.candidates, dict.fromkeys(names, images.pixels), plan)
    return {
        "load_average": [load_before, os.getloadavg()[0]],
        "settings": {
            "batch": 1,
            "rounds": FLAGS.rounds,
            "per_round": len(plan[0].images),
            "seed": FLAGS.seed,
        },
        "model": subjects.description,
        "images": images.to_dict() | {"data": pathlib.Path(images.data).name},
        "labels": images.labels.tolist(),
        "schedule": [dataclasses.asdict(turn) for turn in plan],
        "metric": TARGETS[subjects.description["task"]].metric,
        "relative_to": yardstick,
        "runtimes": derive(
            measurements, images.labels, subjects.description["thresholds"], yardstick
        ),
        "not_run": subjects.not_run,
    }


def _yardstick(paths):
    """The name of the file that others are compared with."""
    if FLAGS.relative_to not in paths:
        raise ValueError(
            "--relative_to names one of the artefacts that are measured. Received: "
            f"{FLAGS.relative_to}, not among {', '.join(paths)}"
        )
    return pathlib.Path(FLAGS.relative_to).name


def _threads():
    counts = FLAGS.threads
    if not counts or not all(count.isdecimal() and int(count) for count in counts):
        raise ValueError(f"--threads takes whole numbers above 0, such as 1,2. Received: {counts}")
    return [int(count) for count in dict.fromkeys(counts)]


def _print(results, old):
    from benchmarks.latency.comparison import compare, differences
    from benchmarks.table import comparison_section, latency_section

    print(latency_section(results))
    if old:
        print(comparison_section(compare(results, old)))
        print(*differences(results, old), sep="\n")


if __name__ == "__main__":
    run(main, positional="ARTEFACT")
