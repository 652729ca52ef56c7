"""Early stopping that a checkpoint can hold."""

import keras
import numpy as np

_FIELDS = ("wait", "best", "best_epoch", "stopped_epoch")
_PREFIX = "best/"


class ResumableEarlyStopping(keras.callbacks.EarlyStopping):
    """Keras' `EarlyStopping`, whose state can be taken out and put back.

    Keras begins anew at every `fit`; here what was best so far, its weights and the patience that
    is left survive the process.

    Args:
        **kwargs: arguments of `keras.callbacks.EarlyStopping`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._restored = None

    def state(self):
        """Plain data, and the best weights as a dict of arrays."""
        # NumPy's floats are none of JSON's.
        state = {name: getattr(self, name) for name in _FIELDS}
        state["best"] = None if self.best is None else float(self.best)
        weights = self.best_weights or []
        return state, {f"{_PREFIX}{i:04d}": np.asarray(x) for i, x in enumerate(weights)}

    def restore(self, state, arrays):
        """Lets the next `fit` begin with what `state` gave."""
        self._restored = {**state, "best_weights": self.best_of(arrays)}

    @staticmethod
    def best_of(arrays):
        """The best weights among arrays that `state` gave, in their order; `None` without any."""
        names = sorted(name for name in arrays if name.startswith(_PREFIX))
        return [arrays[name] for name in names] or None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        for name, value in (self._restored or {}).items():
            setattr(self, name, value)
        self._restored = None
