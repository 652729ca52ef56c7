"""Extraction and search: speed beside the bare network, memory, bytes, and what quantising costs.

Everything in one run: the bare backbone and the model on pixels that are ready, in turn with whole
extractions; the peak memory of an extraction of a quarter of the images and of all; an extraction
killed three times against one left alone; and the nearest neighbour's accuracy in every format, and
for other shares of values kept than the one that is used.

    python -m benchmarks.extraction --model=quickstart/model --data=data/grocery_mini
"""

import contextlib
import functools
import hashlib
import itertools
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images split/class/*.jpg.")
flags.DEFINE_string("split", "train", "Split to extract and to search in.")
flags.DEFINE_string("query_split", "test", "Split whose images are the queries.")
flags.DEFINE_integer("rounds", 3, "Rounds of the comparison of speeds.", 1)
flags.DEFINE_integer("kills", 3, "Times that an extraction is killed.", 1)
flags.DEFINE_string("output", "benchmarks/results/extraction.json", "JSON file to write.")

_BATCH = 32
_SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
_TIMED_QUERIES = 20


def main(_):
    from benchmarks.record import write_record

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        stored, queries = (_float32(folder, s) for s in (FLAGS.split, FLAGS.query_split))
        speeds = _speeds(folder)
        rows = _format_rows(folder, stored, queries, speeds)
        record = {
            "data": pathlib.Path(FLAGS.data).name,
            "images": len(stored.index),
            "queries": len(queries.index),
            "rounds": speeds,
            "kills": FLAGS.kills,
            "same_after_kills": _same_after_kills(folder),
            "rows": rows,
        }
        shares = {**record, "rows": _share_rows(stored, queries)}
    output = pathlib.Path(FLAGS.output)
    for path, content in (
        (output, record),
        (output.with_stem(f"{output.stem}_shares"), shares),
    ):
        write_record(path, content)
        print(f"written: {path}")


def _float32(folder, split):
    from keras_crosspool.retrieval import extract

    output = folder / f"{split}-float32"
    return extract(
        FLAGS.model, output, FLAGS.data, split, format="float32", batch_size=_BATCH
    ).store


def _speeds(folder):
    """Images/s of each round: the bare networks and the extraction in each format, in turn."""
    from keras_crosspool.progress import track
    from keras_crosspool.retrieval import FORMATS

    networks = _bare_networks()
    rounds = []
    for number in track(range(FLAGS.rounds), "rounds"):
        speeds = {name: measure() for name, measure in networks.items()}
        for name in FORMATS:
            speeds[name] = _extraction_speed(folder / f"round-{number}-{name}", name)
        rounds.append(speeds)
    return rounds


def _bare_networks():
    """Functions that time the backbone and the model up to its descriptor on ready pixels."""
    import keras

    from keras_crosspool import load_model
    from keras_crosspool.backbones import create_backbone
    from keras_crosspool.data import load_images, open_split

    model, metadata = load_model(FLAGS.model)
    split = open_split(FLAGS.data, FLAGS.split, metadata.class_names)
    pixels, _ = load_images(split, metadata.image_size, limit=8 * _BATCH)
    whole = pixels[: len(pixels) // _BATCH * _BATCH].astype("float32")
    arguments = metadata.arguments
    backbone = create_backbone(arguments["backbone"], metadata.image_size, arguments["weights"])
    networks = {
        "backbone": backbone.model,
        "model": keras.Model(model.input, model.descriptor),
    }
    batches = np.split(whole, len(whole) // _BATCH)
    for network in networks.values():
        network.predict_on_batch(batches[0])
    count = -(-split.size // _BATCH)
    return {
        name: functools.partial(_bare_speed, network, batches, count)
        for name, network in networks.items()
    }


def _bare_speed(network, batches, count):
    start = time.perf_counter()
    for batch in itertools.islice(itertools.cycle(batches), count):
        network.predict_on_batch(batch)
    return count * _BATCH / (time.perf_counter() - start)


def _extraction_speed(output, name):
    from keras_crosspool.retrieval import extract

    done = extract(FLAGS.model, output, FLAGS.data, FLAGS.split, format=name, batch_size=_BATCH)
    return done.computed / done.seconds


def _format_rows(folder, stored, queries, speeds):
    from keras_crosspool.retrieval import FORMATS

    parts = _parts(folder / "parts", stored)
    rows = []
    for name, kept in FORMATS.items():
        accuracy, milliseconds, size = _search(kept.encode, kept.cosine, stored, queries)
        best = rows[0]["top-1"] if rows else accuracy  # of float32, the first one
        rows.append({
            "format": name,
            "bytes an image": size,
            "top-1": accuracy,
            "points lost": 100 * (best - accuracy),
            "search ms": milliseconds,
            "images/s": _median(round_[name] for round_ in speeds),
            "of the model": _median(round_[name] / round_["model"] for round_ in speeds),
            "of the backbone": _median(round_[name] / round_["backbone"] for round_ in speeds),
            **{
                f"peak MB, {count} images": _peak(parts, part, name) / 1e6
                for part, count in (("quarter", -(-len(stored.index) // 4)),
                                    ("whole", len(stored.index)))
            },
        })  # fmt: skip
    return rows


def _share_rows(stored, queries):
    from keras_crosspool.retrieval import FORMATS, pack, ternarize

    def encode(share):
        return lambda descriptors: pack(ternarize(descriptors, share))

    cosine = FORMATS["packed"].cosine
    return [
        {
            "share of values kept": share,
            "top-1": _search(encode(share), cosine, stored, queries)[0],
            "top-1 within the stored": _leave_one_out(encode(share), cosine, stored),
        }
        for share in _SHARES
    ]


def _search(encode, cosine, stored, queries):
    """Top-1 of the nearest neighbour, milliseconds for one query, bytes of one image."""
    rows, asked = (_encoded(encode, store) for store in (stored, queries))
    similar = cosine(asked, rows)
    nanoseconds = []
    for index in range(min(_TIMED_QUERIES, len(asked))):
        start = time.perf_counter_ns()
        cosine(asked[index : index + 1], rows)
        nanoseconds.append(time.perf_counter_ns() - start)
    accuracy = np.mean(_classes(stored)[similar.argmax(axis=1)] == _classes(queries))
    return float(accuracy), _median(nanoseconds) / 1e6, rows[0].nbytes


def _leave_one_out(encode, cosine, stored):
    rows = _encoded(encode, stored)
    similar = cosine(rows, rows)
    np.fill_diagonal(similar, -np.inf)
    return float(np.mean(_classes(stored)[similar.argmax(axis=1)] == _classes(stored)))


def _encoded(encode, store):
    return np.concatenate([encode(np.asarray(rows)) for _, rows in store.shards()])


def _classes(store):
    return np.array([";".join(entry.classes) for entry in store.index])


def _parts(folder, stored):
    """The stored images as a data folder with the splits `quarter` and `whole`, of links."""
    for split, entries in (("quarter", stored.index[::4]), ("whole", stored.index)):
        for entry in entries:
            image = pathlib.Path(entry.image).resolve()
            link = folder / split / entry.classes[0] / image.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(image)
    return folder


def _peak(parts, split, name):
    """The peak memory of a process that extracts, in bytes."""
    from benchmarks.machine import memory_bytes

    peak = 0
    output = parts.parent / f"peak-{split}-{name}"
    with _extracting(output, f"--data={parts}", f"--split={split}", f"--format={name}") as process:
        while process.poll() is None:
            with contextlib.suppress(ValueError):  # it has just ended
                peak = memory_bytes("VmHWM", process.pid)
            time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"The extraction failed. Received: exit code {process.returncode}")
    return peak


def _same_after_kills(folder):
    """Whether an extraction killed at random points and taken up has the bytes of a whole one."""
    outputs = [folder / "whole", folder / "killed"]
    command = [f"--data={FLAGS.data}", f"--split={FLAGS.split}", "--format=packed"]
    command += [f"--shard_size={_BATCH}"]
    rng = np.random.default_rng(0)
    with _extracting(outputs[0], *command) as process:
        process.wait()
    shards = len(list(outputs[0].glob("*.npy")))
    for after in np.sort(rng.choice(shards - 1, FLAGS.kills, replace=False)):
        with _extracting(outputs[1], *command) as process:
            while process.poll() is None and len(list(outputs[1].glob("[!.]*.npy"))) < after:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
        if process.returncode != -9:
            raise RuntimeError(f"It ended before it was killed. Received: {process.returncode}")
    with _extracting(outputs[1], *command) as process:
        process.wait()
    whole, killed = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in output.iterdir()}
        for output in outputs
    )
    return whole == killed


def _extracting(output, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "keras_crosspool.extract", f"--model={FLAGS.model}",
         f"--output={output}", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _median(values):
    return float(np.median(list(values)))


if __name__ == "__main__":
    run(main)
