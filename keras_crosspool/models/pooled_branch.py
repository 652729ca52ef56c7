"""What the two branches with cross-layer pooling share: an exact explanation of class scores."""

import keras
import numpy as np
from keras import ops

from keras_crosspool.models.branch import Branch


class PooledBranch(Branch):
    """A branch that ends in cross-layer pooling.

    Attributes:
        pooling: `CrossLayerPooling`.
        pooled: pair of symbolic maps that it reads, `(features, guidance)`.
    """

    @property
    def name(self):
        return self.pooling.name

    def contributions(self, image, kernel, images, classes):
        """As `Branch.contributions`: with the normalisation's factors held, an exact sum."""
        inputs = keras.Model(image, list(self.pooled))(images)
        pooled = self.pooling.pool(inputs)
        scale = ops.convert_to_numpy(self.pooling.normalization_scale(pooled))
        weights = kernel.T.reshape(-1, *pooled.shape[1:])[classes] * scale[:, None]
        features, guidance = map(self._channels_last, self.pooling.pooled_maps(inputs))
        contributions = np.einsum(
            "bhwk,bckd,bhwd->bchw", guidance, weights, features, optimize="optimal"
        )
        return contributions.astype("float32")

    def _channels_last(self, maps):
        maps = ops.convert_to_numpy(maps)
        return np.moveaxis(maps, 1, -1) if self.pooling.data_format == "channels_first" else maps
