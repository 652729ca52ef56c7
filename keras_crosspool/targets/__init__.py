"""The two recognition tasks: one class a picture, or any number of labels.

All that differs between them is asked of a task: targets, folds, loss, calibration,
probabilities, scores, thresholds and agreement. The code around it knows one path.
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
