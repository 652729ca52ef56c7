"""The audit on planted faults: 5 % exchanged labels, 60 copied photographs, and its time.

Labels are exchanged image by image, and session by session; several ways to score them are
compared. Copies are saved again at quality 30, halved, mirrored, cropped to 90 % and made a quarter
brighter; what else is called a duplicate is counted as false. The time is that of the whole audit,
files written, against one pass of the network over the same images.

    python -m benchmarks.audit --data=grocery_store,clothing
"""

import pathlib
import tempfile
import time

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images.")
flags.DEFINE_integer("draws", 3, "Draws of exchanged labels.", 1)
flags.DEFINE_integer("copies", 60, "Photographs that are copied.", 1)
flags.DEFINE_list("timed_splits", ["train"], "Splits of which the audit is timed.")
flags.DEFINE_string("output", "benchmarks/results", "Folder of audit_*.json.")


def main(_):
    from benchmarks.record import write_record

    rows = {"labels": [], "copies": [], "time": []}
    for data in map(pathlib.Path, FLAGS.data):
        described, photographs = _described(data)
        rows["labels"] += _labels(data, described, photographs)
        rows["copies"].append(_copies(data, photographs))
        rows["time"].append(_time(data))
    for name, found in rows.items():
        path = pathlib.Path(FLAGS.output) / f"audit_{name}.json"
        write_record(path, found)
        print(f"written: {path}")


def _described(data):
    from keras_crosspool.audit.described import describe_images

    photographs = _opened(data)
    return describe_images(photographs), photographs


def _opened(data):
    from keras_crosspool.audit.photographs import open_photographs
    from keras_crosspool.limits import MAX_MEGAPIXELS

    return open_photographs(data, None, "auto", MAX_MEGAPIXELS)


def _labels(data, described, photographs):
    from benchmarks.audit.exchanged_labels import label_rows

    rows = [*label_rows(data.name, described, photographs.images, FLAGS.draws)]
    for row in rows:
        print(row, flush=True)
    return rows


def _copies(data, photographs):
    from benchmarks.audit.copied_images import KINDS, plant_copies
    from keras_crosspool.audit.described import describe_images
    from keras_crosspool.audit.duplicates import find_copies
    from keras_crosspool.audit.looks import look_at

    with tempfile.TemporaryDirectory() as folder:
        planted = plant_copies(photographs.files, data, pathlib.Path(folder), FLAGS.copies)
        together = _opened(folder)
        averages = describe_images(together).averages
        copies = find_copies(look_at(together.images), averages)
        files = together.files
    pairs = {frozenset((files[copy.first], files[copy.second])) for copy in copies}
    known = {frozenset(pair): kind for pair, kind in planted.items()}
    found = [known[pair] for pair in pairs if pair in known]
    row = {"data": data.name, "images": len(files), "copies": len(planted), "found": len(found)}
    row |= {kind: f"{found.count(kind)} of {[*planted.values()].count(kind)}" for kind in KINDS}
    row["false"] = len(pairs - known.keys())
    print(row, flush=True)
    return row


def _time(data):
    import keras

    from keras_crosspool.audit import described as stage
    from keras_crosspool.audit.api import audit_images

    passes = []
    compute = stage.compute_descriptors

    def timed(*arguments, **options):
        start = time.perf_counter()
        found = compute(*arguments, **options)
        passes.append(time.perf_counter() - start)
        return found

    keras.backend.clear_session()
    stage.compute_descriptors = timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder) / "audit"
            report = audit_images(data, output=output, splits=FLAGS.timed_splits)
    finally:
        stage.compute_descriptors = compute
    row = {
        "data": data.name,
        "images": len(report.images),
        "seconds_of_a_pass": round(passes[0], 1),
        "seconds_of_the_audit": round(report.seconds, 1),
        "ratio": round(report.seconds / passes[0], 2),
    }
    print(row, flush=True)
    return row


if __name__ == "__main__":
    run(main, needs="tensorflow")
