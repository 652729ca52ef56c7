"""Every option of training once: its default, its range, its choices and its help.

In: nothing of ours but limits. Out: `TrainingConfig`, a tree of frozen dataclasses, from which
`training/flags.py` makes the flags. To add an option, add a field to the config of its stage.
"""

from keras_crosspool.config.training_config import TrainingConfig

__all__ = ["TrainingConfig"]
