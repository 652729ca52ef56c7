"""The labels of TFDS examples, each checked before it counts."""

import dataclasses

import numpy as np

from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL, MultiLabel, SingleLabel

UNLABELLED = "unlabelled"
_UNKNOWN = -1  # what TFDS gives a ClassLabel that is not known, as in test splits of contests


@dataclasses.dataclass(frozen=True)
class TfdsLabels:
    """The label feature of a TFDS data set.

    Attributes:
        task: the task that the labels are for.
        class_names: tuple of str.
        feature: str, `"label"` or `"labels"`.
        multi_hot: bool, whether a label is a vector of zeros and ones.
    """

    task: SingleLabel | MultiLabel
    class_names: tuple[str, ...]
    feature: str
    multi_hot: bool = False

    def indices(self, label):
        """The indices of the classes of an example.

        Args:
            label: the value of the feature, as NumPy or Python give it.

        Returns:
            List of int, or `None` if the example is not labelled.

        Raises:
            ValueError: if the label is none of the classes, or a multi-hot vector holds anything
                but zeros and ones.
        """
        values = np.atleast_1d(np.asarray(label)).astype("int64")
        if self.multi_hot:
            return self._ones(values)
        if self.task is SINGLE_LABEL and values[0] == _UNKNOWN:
            return None
        outside = values[(values < 0) | (values >= len(self.class_names))]
        if len(outside):
            raise ValueError(
                f"A label is outside the {len(self.class_names)} classes, which are counted from 0 "
                f"on: {outside[0]}."
            )
        return values.tolist()

    def _ones(self, values):
        others = values[(values != 0) & (values != 1)]
        if len(others):
            raise ValueError(
                f"A multi-hot label must hold zeros and ones, and this one holds {others[0]}, "
                "which may mean `absent` or `unknown`."
            )
        return np.flatnonzero(values).tolist()


def find_labels(features):
    """Finds the label feature of a TFDS data set.

    Args:
        features: mapping from name to `tfds.features.FeatureConnector`.

    Returns:
        `TfdsLabels`, or `None` if there is no such feature.
    """
    import tensorflow_datasets as tfds

    label, labels = features.get("label"), features.get("labels")
    if isinstance(label, tfds.features.ClassLabel):
        return TfdsLabels(SINGLE_LABEL, tuple(label.names), "label")
    inner = getattr(labels, "feature", None)
    if isinstance(inner, tfds.features.ClassLabel):  # Sequence(ClassLabel)
        return TfdsLabels(MULTI_LABEL, tuple(inner.names), "labels")
    if _is_multi_hot(labels):
        names = tuple(str(index) for index in range(labels.shape[0]))
        return TfdsLabels(MULTI_LABEL, names, "labels", multi_hot=True)
    return None


def _is_multi_hot(feature):
    import tensorflow_datasets as tfds

    if not isinstance(feature, tfds.features.Tensor):
        return False
    return len(feature.shape) == 1 and feature.shape[0] and np.dtype(feature.np_dtype).kind in "bui"
