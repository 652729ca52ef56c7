"""Guidance selection: keeps the most active guidance channels, as one 1 x 1 convolution."""

import keras
import numpy as np
from keras import ops

from keras_crosspool.whole_numbers import whole_number

_FIXED = ("kernel_size", "use_bias", "kernel_initializer")


@keras.saving.register_keras_serializable(package="keras_crosspool")
class GuidanceSelection(keras.layers.Conv2D):
    """Keeps the guidance channels that are most active over positions and images.

    The descriptor grows with the number of guidance channels, and a deep layer has far more than
    it needs. Selecting channels is exactly a 1 x 1 convolution with a 0/1 kernel and no bias, so
    the layer *is* a `Conv2D`: it exports everywhere and training may tune it further. Until
    `adapt` is called the first channels are kept.

    Args:
        filters: int, the number of channels kept (K).
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        **kwargs: further arguments of `keras.layers.Conv2D`, such as `activation`; its kernel size,
            initializer and bias are fixed.

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        `(batch, height, width, filters)`, or channels first.

    Raises:
        ValueError: if the map has fewer channels than are to be kept.

    Example:

    >>> guidance = np.random.rand(8, 7, 7, 32).astype("float32")
    >>> selection = GuidanceSelection(4)
    >>> selection.adapt([guidance])
    >>> tuple(selection(guidance).shape)
    (8, 7, 7, 4)
    """

    def __init__(self, filters, data_format=None, **kwargs):
        super().__init__(
            whole_number("filters", filters, least=1),
            kernel_size=1,
            data_format=data_format,
            use_bias=False,
            kernel_initializer=_first_channels,
            **kwargs,
        )
        self._activity = None

    def build(self, input_shape):
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        if channels < self.filters:
            raise ValueError(
                f"Cannot select {self.filters} guidance channels of {channels}: give a map with "
                f"more channels or ask for fewer. Received: input_shape={tuple(input_shape)}"
            )
        super().build(input_shape)

    def adapt(self, dataset):
        """Selects the channels of largest mean magnitude over a data set, in one streaming pass.

        Args:
            dataset: iterable of batches `(batch, height, width, channels)` (or channels first),
                arrays or tensors.

        Raises:
            ValueError: if the dataset is empty.
        """
        for maps in dataset:
            self.update_state(maps)
        self.finalize_state()

    def update_state(self, maps):
        """Adds one batch of maps to the statistics."""
        if not self.built:
            self.build(maps.shape)
        maps = ops.convert_to_numpy(maps)
        axes = (0, 2, 3) if self.data_format == "channels_first" else (0, 1, 2)
        activity = np.abs(maps).sum(axis=axes, dtype="float64")
        self._activity = activity if self._activity is None else self._activity + activity

    def finalize_state(self, all_reduce=None):
        """Writes the selection into the kernel and forgets the statistics.

        Args:
            all_reduce: function that sums an array over all workers, where each has seen maps of
                its own. Defaults to none.
        """
        from keras_crosspool.numerics.largest import largest_in_order

        if self._activity is None:
            raise ValueError(
                "Guidance cannot be selected without feature maps: give at least one batch. "
                "Received: no batch"
            )
        if all_reduce:
            self._activity = all_reduce(self._activity)
        # In rising order, so that neighbouring channels stay neighbours.
        chosen = largest_in_order(self._activity, self.filters)
        self.set_weights([_one_hot_kernel(chosen, len(self._activity))])
        self._activity = None

    def get_config(self):
        return {name: value for name, value in super().get_config().items() if name not in _FIXED}


def _one_hot_kernel(channels, num_channels):
    return np.eye(num_channels, dtype="float32")[:, channels][None, None]


def _first_channels(shape, dtype=None):
    return ops.cast(_one_hot_kernel(np.arange(shape[-1]), shape[-2]), dtype or "float32")
