"""Starts several workers of one training run on this machine, and ends them together.

What follows a lone -- are the flags of keras_crosspool.train, the same for every worker. Each line
that a worker prints comes with its number. Where one worker fails, the others are ended; with
--restarts=N all are started again, up to N times, and go on at the last checkpoint.

    python -m keras_crosspool.launch --workers=2 -- --val_split=test --output=model --epochs=5

On several machines start keras_crosspool.train on each, with --workers=HOST:PORT,HOST:PORT and
--task_index.
"""

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.launch_config import LaunchConfig
from keras_crosspool.mains import run

define_flags(LaunchConfig, __name__)


def main(arguments):
    import sys

    from keras_crosspool.distribution.launcher import launch

    config = config_of_flags(LaunchConfig)
    code = launch(arguments, config.workers, config.port, config.restarts)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    run(main, positional="-- TRAINING FLAGS")
