"""Starts several workers of one training run on this machine, and ends them together.

What follows a lone -- are the flags of keras_crosspool.train, the same for every worker. Each line
that a worker prints comes with its number. Where one worker fails, the others are ended; with
--restarts=N all are started again, up to N times, and go on at the last checkpoint.

    python -m keras_crosspool.launch --workers=2 -- --val_split=test --output=model --epochs=5

On several machines start keras_crosspool.train on each, with --workers=HOST:PORT,HOST:PORT and
--task_index.
"""

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_integer("workers", 2, "Processes to start.", 2)
flags.DEFINE_integer(
    "port", None, "Port of the first worker, the others' follow; free ones if unset.", 1
)
flags.DEFINE_integer("restarts", 0, "Times that workers which stopped are started again.", 0)


def main(arguments):
    import sys

    from keras_crosspool.distribution.launcher import launch

    code = launch(arguments, FLAGS.workers, FLAGS.port, FLAGS.restarts)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    run(main, positional="-- TRAINING FLAGS")
