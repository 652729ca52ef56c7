"""Local regions: m x n windows and their PCA projection, as one convolution."""

import keras
import numpy as np
from keras import ops

from keras_crosspool.whole_numbers import whole_number


@keras.saving.register_keras_serializable(package="keras_crosspool")
class LocalRegions(keras.layers.Conv2D):
    """Projects every m x n window of a feature map onto principal components.

    The windows (valid positions, stride 1) are concatenated and projected. A window followed by
    PCA is exactly a valid convolution: the kernel holds the principal components, the bias is
    minus the projected mean. So the layer *is* a `Conv2D`; `adapt` writes the PCA into its
    weights, and training may tune them further.

    Args:
        filters: int, the number of principal components kept (D).
        kernel_size: int or pair of ints, the window m x n. Defaults to `3`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        **kwargs: further arguments of `keras.layers.Conv2D`, such as `kernel_initializer`; its
            strides, padding, dilation, groups and bias are fixed.

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        `(batch, height - m + 1, width - n + 1, filters)`, or channels first.

    Reference:
        Liu, Shen and van den Hengel, arXiv 1510.00921 (windows of a convolutional layer, reduced
        by PCA); the convolution form is this project's.

    Example:

    >>> maps = np.random.rand(8, 7, 7, 32).astype("float32")
    >>> regions = LocalRegions(16)
    >>> regions.adapt([maps[:4], maps[4:]])
    >>> tuple(regions(maps).shape)
    (8, 5, 5, 16)
    >>> tuple(regions.crop(maps).shape)
    (8, 5, 5, 32)
    """

    def __init__(self, filters, kernel_size=3, data_format=None, **kwargs):
        sides = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 2
        kernel_size = tuple(whole_number("kernel_size", side, least=1) for side in sides)
        filters = whole_number("filters", filters, least=1)
        super().__init__(filters, kernel_size, data_format=data_format, **kwargs)
        window = (self.strides, self.padding, self.dilation_rate, self.groups, self.use_bias)
        if window != ((1, 1), "valid", (1, 1), 1, True):
            raise ValueError(
                "LocalRegions takes every valid m x n window and subtracts its mean, so strides, "
                f"padding, dilation_rate, groups and use_bias cannot be chosen. Received: {kwargs}"
            )
        self._pca = None
        self._crops = 0

    def crop(self, guidance):
        """Reads a map at the windows' centres, so that it matches the regions' grid.

        Args:
            guidance: `(batch, height, width, K)` map on the grid of this layer's input, or
                channels first.

        Returns:
            `(batch, height - m + 1, width - n + 1, K)` map, or channels first.
        """
        margins = tuple(((size - 1) // 2, size // 2) for size in self.kernel_size)
        # An automatic name would count all models of the process: equal models would differ.
        name = f"{self.name}_crop" + (f"_{self._crops}" if self._crops else "")
        self._crops += 1
        return keras.layers.Cropping2D(margins, data_format=self.data_format, name=name)(guidance)

    def adapt(self, dataset, whiten=False):
        """Fits the PCA on batches of feature maps, in one streaming pass, and writes it in.

        Args:
            dataset: iterable of batches `(batch, height, width, channels)` (or channels first),
                arrays or tensors.
            whiten: bool, whether the components are scaled to unit variance.
                Defaults to `False`.

        Raises:
            ValueError: if the windows are fewer than the components asked for, or a component to be
                whitened does not vary.
        """
        for maps in dataset:
            self.update_state(maps)
        self.finalize_state(whiten)

    def update_state(self, maps):
        """Adds the windows of one batch of maps to the statistics of the PCA."""
        if not self.built:
            self.build(maps.shape)
        if self._pca is None:
            self._pca = self._new_pca()
        self._pca.update(self._windows(maps))

    def finalize_state(self, whiten=False, all_reduce=None):
        """Writes the PCA into kernel and bias and forgets the statistics.

        Args:
            whiten: bool, as for `adapt`.
            all_reduce: function that sums an array over all workers, where each has seen maps of
                its own. Defaults to none.
        """
        pca = self._pca or self._new_pca()
        if all_reduce and pca.count:
            pca.reduce(all_reduce)
        mean, components, variances = pca.fit()
        if whiten:
            components = components / _deviations(variances)
        self.set_weights([components.reshape(self.kernel.shape), -mean @ components])
        self._pca = None

    def _new_pca(self):
        from keras_crosspool.numerics.pca import StreamingPCA  # lazy: a loaded layer needs none

        return StreamingPCA(self.filters)

    def _windows(self, maps):
        """Lays every window out as a row, `(windows, m * n * channels)`, in the kernel's order."""
        maps = ops.convert_to_numpy(maps)
        if self.data_format == "channels_first":
            maps = np.moveaxis(maps, 1, -1)
        windows = np.lib.stride_tricks.sliding_window_view(maps, self.kernel_size, axis=(1, 2))
        return np.moveaxis(windows, 3, -1).reshape(-1, np.prod(self.kernel_size) * maps.shape[-1])


def _deviations(variances):
    varying = variances > np.finfo("float32").eps * variances[0]
    if not varying.all():
        raise ValueError(
            "A component that does not vary cannot be whitened: ask for fewer components. "
            f"Received: {len(varying)} components, of which {varying.sum()} vary"
        )
    return np.sqrt(variances)
