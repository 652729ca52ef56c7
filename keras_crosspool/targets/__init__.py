"""The two recognition tasks: one class an image, or any number of labels.

Labels and logits come in; targets, folds, losses, calibration, probabilities, scores, thresholds
and agreement go out. All that differs between the tasks is asked of a task; the code around it
knows one path. For one more task write a class with the methods of `SingleLabel` and add it to
`TARGETS`.
"""

import keras  # noqa: F401, before our modules: see keras_crosspool/__init__.py

from keras_crosspool.targets.multi_label import MultiLabel
from keras_crosspool.targets.single_label import SingleLabel

SINGLE_LABEL, MULTI_LABEL = SingleLabel(), MultiLabel()
TARGETS = {task.name: task for task in (SINGLE_LABEL, MULTI_LABEL)}

__all__ = ["MULTI_LABEL", "SINGLE_LABEL", "TARGETS", "MultiLabel", "SingleLabel", "task_of"]


def task_of(labels):
    """The task that labels belong to: `(n,)` are classes, `(n, num_classes)` multi-hot."""
    return SINGLE_LABEL if labels.ndim == 1 else MULTI_LABEL
