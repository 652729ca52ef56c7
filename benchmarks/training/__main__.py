"""Speed of fine-tuning beside the plain Keras fit of the same network: what the head costs.

Each run trains in a process of its own, and the runs take turns, round by round: the backbone with
global average pooling and a dense layer by plain model.fit; the same average, and scheme 1, as
fine_tune trains them on one device; scheme 1 on two devices of one process, and by two workers of
this machine. Batches are of one size for all devices together, BatchNormalization is frozen, and
decoded images are in memory. After its steps each run reads its input alone, which says what
bounds it.

Rates are medians over the rounds and ratios medians of the rounds' ratios, so they hold while the
machine drifts. What the head costs is by how much the step of scheme 1 is longer than that of the
global average under the same machinery; what the machinery costs, by how much that of the global
average is longer than that of the plain fit.

    python -m benchmarks.training --data=data/grocery_mini
"""

import concurrent.futures
import contextlib
import multiprocessing
import pathlib
import socket
import statistics

from absl import flags

from benchmarks.training import training_run
from benchmarks.training.training_run import Setting
from keras_crosspool.mains import run

_PLAIN, _AVERAGE, _SCHEME1 = "plain fit", "global average", "scheme 1"
RUNS = {
    _PLAIN: Setting(None),
    _AVERAGE: Setting("global_average"),
    _SCHEME1: Setting("scheme1"),
    "scheme 1 mirrored on 2": Setting("scheme1", "mirrored", devices=2),
    "scheme 1 by 2 workers": Setting("scheme1", "multi_worker", workers=2),
}

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images split/class/*.jpg.")
flags.DEFINE_string("split", "train", "Split to train on.")
flags.DEFINE_string("backbone", "EfficientNetLite0", "Backbone.")
flags.DEFINE_string("weights", "imagenet", "Its weights: imagenet, or none for random ones.")
flags.DEFINE_integer("image_size", 224, "Side of the images in pixels.", 1)
flags.DEFINE_integer("batch_size", 32, "Images of a step, of all devices together.", 1)
flags.DEFINE_list("runs", list(RUNS), "Runs to measure, by name.")
flags.DEFINE_integer("rounds", 5, "Rounds in which the runs take turns.", 1)
flags.DEFINE_integer("steps", 6, "Steps that are timed in a turn.", 1)
flags.DEFINE_string("output", "benchmarks/results/training.json", "JSON file to write.")

_OPTIONS = ("data", "split", "backbone", "weights", "image_size", "batch_size")


def main(_):
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    unknown = sorted(set(FLAGS.runs) - set(RUNS))
    if unknown or not FLAGS.runs:
        raise ValueError(
            f"--runs are of {', '.join(RUNS)}. Received: --runs={','.join(FLAGS.runs)}"
        )
    rounds = _measure()
    rows = [_row(name, rounds) for name in FLAGS.runs]
    record = {
        "data": pathlib.Path(FLAGS.data).name,
        "arguments": {name: FLAGS[name].value for name in _OPTIONS[1:]} | {"steps": FLAGS.steps},
        "rounds": rounds,
        "head": _cost(_SCHEME1, _AVERAGE, rounds),
        "machinery": _cost(_AVERAGE, _PLAIN, rounds),
        "rows": rows,
    }
    write_record(FLAGS.output, record)
    print(rows_table(rows))
    for part in ("head", "machinery"):
        if record[part]:
            cost = "{median:.1%} of a step (rounds: {low:.1%} to {high:.1%})"
            print(f"the {part} costs {cost.format(**record[part])}")
    print(f"written: {FLAGS.output}")


def _measure():
    """What each run gave in each round, a list of dicts from run to its figures."""
    from keras_crosspool.progress import track

    with contextlib.ExitStack() as stack:
        processes = {
            name: _started(RUNS[name], stack) for name in track(FLAGS.runs, "building the graphs")
        }
        return [
            {name: _turn(processes[name]) for name in FLAGS.runs}
            for _ in track(range(FLAGS.rounds), "rounds")
        ]


def _started(setting, stack):
    """The processes of a run, ready to train; they end with the stack."""
    context = multiprocessing.get_context("spawn")
    processes = [
        stack.enter_context(concurrent.futures.ProcessPoolExecutor(1, context))
        for _ in range(setting.workers)
    ]
    options = {name: FLAGS[name].value for name in _OPTIONS}
    addresses = _free_addresses(setting.workers)
    _together(
        process.submit(training_run.prepare, setting, options, addresses, index)
        for index, process in enumerate(processes)
    )
    return processes


def _turn(processes):
    """Images a second of one turn, as the first process of the run sees it."""
    told = _together([process.submit(training_run.train, FLAGS.steps) for process in processes])
    return dict(zip(("images/s", "input images/s"), told[0], strict=True))


def _together(futures):
    return [future.result() for future in list(futures)]


def _free_addresses(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]


def _row(name, rounds):
    from keras_crosspool.fine_tuning.callbacks.throughput import report

    trained, delivered = (
        statistics.median(turns[name][figure] for turns in rounds)
        for figure in ("images/s", "input images/s")
    )
    return {
        "run": name,
        "images/s": trained,
        "ms a step": 1000 * FLAGS.batch_size / trained,
        "x plain fit": _median(_ratios(name, _PLAIN, rounds)),
        "x global average": _median(_ratios(name, _AVERAGE, rounds)),
        "input images/s": delivered,
        "bound": report(trained, delivered)["bound"],
    }


def _cost(name, base, rounds):
    """By what part of a step a run is slower than another: the median round and the extremes."""
    costs = [1 / ratio - 1 for ratio in _ratios(name, base, rounds)]
    if not costs:
        return None
    return {"median": _median(costs), "low": min(costs), "high": max(costs)}


def _ratios(name, base, rounds):
    """A run's speed over another's in each round; none if one of them was not measured."""
    if not {name, base} <= set(FLAGS.runs):
        return []
    return [turns[name]["images/s"] / turns[base]["images/s"] for turns in rounds]


def _median(values):
    return statistics.median(values) if values else None


if __name__ == "__main__":
    run(main)
