"""Faults inflicted on training, for real: what each does, and whether the run then ends the same.

Small runs on a few images are killed, stopped, starved and damaged. For each fault stand the
exit code and last words, whether they are the expected ones, the newest checkpoint before and
after, what stands half-written under a final name, and how far the weights of the repeated command
lie from those of a run that nothing happened to (relative norm; 0 is equal bit for bit).

    python -m tests.faults
    python -m tests.faults --only=SIGTERM
"""

import pathlib
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images, of which a few are taken.")
flags.DEFINE_list("classes", ["Anjou", "Arla-Standard-Milk", "Orange"], "Classes to take.")
flags.DEFINE_string("only", "", "Regular expression of the faults to inflict; all if empty.")
flags.DEFINE_integer("parallel", 2, "Faults at a time.", 1)
flags.DEFINE_integer("seed", 0, "Seed of the moments of the faults.")
flags.DEFINE_string("output", "benchmarks/results/faults.json", "JSON file to write.")

_TRAINING = (
    "--val_split=test",
    "--image_size=96",
    "--crop_scales=1",
    "--nomirror",
    "--feature_channels=8",
    "--guidance_channels=16",
    "--epochs=3",
    "--tuning_dropout=0",
    "--batch_size=6",
    "--checkpoint_steps=2",
)


def main(_):
    from benchmarks.record import write_record
    from benchmarks.table import rows_table
    from keras_crosspool.progress import track
    from tests.faults.cases import FAULTS
    from tests.faults.laboratory import COUNTS, FaultLaboratory

    faults = [fault for fault in FAULTS if re.search(FLAGS.only, fault.name)]
    if not faults:
        raise ValueError(
            f"--only must fit one of {', '.join(fault.name for fault in FAULTS)}. "
            f"Received: --only={FLAGS.only}"
        )
    with tempfile.TemporaryDirectory() as folder:
        laboratory = FaultLaboratory(folder, FLAGS.data, FLAGS.classes, _TRAINING, FLAGS.seed)
        laboratory.prepare(
            tuned=any(fault.start == "tuned" for fault in faults),
            two=any(fault.again == "two" for fault in faults),
        )
        with ThreadPoolExecutor(FLAGS.parallel) as pool:
            rows = list(track(pool.map(laboratory.row, faults), "faults", len(faults)))
    record = {
        "data": f"{len(FLAGS.classes)} classes x {COUNTS['train']} images of "
        f"{pathlib.Path(FLAGS.data).name}, 12 steps, a checkpoint every two steps; "
        f"seed {FLAGS.seed}",
        "rows": rows,
    }
    write_record(FLAGS.output, record)
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


if __name__ == "__main__":
    run(main)
