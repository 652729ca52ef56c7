"""A `keras.Model` whose `fit` works under `tf.distribute.MultiWorkerMirroredStrategy`."""

import keras

from keras_crosspool.fine_tuning.accumulating_model import AccumulatingModel
from keras_crosspool.keras_internals import SymbolicBuildHook


class MultiWorkerModel(SymbolicBuildHook, AccumulatingModel):
    """A functional model with the cure for keras-team/keras#20585, open in Keras 3.15.

    Two steps of Keras' `fit` fail with several workers: the symbolic build averages a distributed
    batch by an operation that takes no such thing, and scalar logs are averaged along an axis that
    they do not have. Here the build looks at the first replica's share of the batch, and logs come
    with the axis. `tests/training/test_workers.py` tells when Keras needs this no more.

    Args:
        inputs, outputs: as of `keras.Model`, made within the strategy's scope.

    Example:

    >>> image = keras.Input((4,))
    >>> MultiWorkerModel(image, keras.layers.Dense(2)(image)).output_shape
    (None, 2)
    """

    def build_batch(self, batch):
        """The first replica's share of a distributed batch."""
        return keras.tree.map_structure(self._first_share, batch)

    def train_step(self, data):
        return _with_axis(super().train_step(data))

    def test_step(self, data):
        return _with_axis(super().test_step(data))

    def _first_share(self, value):
        return self.distribute_strategy.experimental_local_results(value)[0]


def _with_axis(logs):
    return {name: keras.ops.expand_dims(value, 0) for name, value in logs.items()}
