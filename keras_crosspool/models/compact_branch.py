"""Cross-layer pooling of two short projections that are trained: the small form of scheme 1."""

import dataclasses

import keras

from keras_crosspool.layers.cross_layer_pooling import CrossLayerPooling
from keras_crosspool.models.pooled_branch import PooledBranch


@dataclasses.dataclass(frozen=True, eq=False)
class CompactBranch(PooledBranch):
    """Two maps, each through a 1 x 1 convolution, pooled across layers.

    Scheme 1 has its projection from a principal component analysis and interpolates a few thousand
    images; a network is tuned through this one, whose few values leave the classifier no way round
    the features.

    Attributes:
        maps: symbolic map of local features.
        source: symbolic map that the guidance is made from, of the same height and width.
        projection: `keras.layers.Conv2D`, linear.
        guidance: `keras.layers.Conv2D` with ReLU.
        pooling: `CrossLayerPooling`.
        pooled: pair of symbolic maps, projected features and guidance.
        descriptor: symbolic `(batch, K * D)`.

    Reference:
        Liu, Shen and van den Hengel, arXiv 1510.00921, section 3; that projection and guidance are
        trained is this project's choice.
    """

    maps: object
    source: object
    projection: keras.layers.Conv2D
    guidance: keras.layers.Conv2D
    pooling: CrossLayerPooling
    pooled: tuple
    descriptor: object
    grid = None

    @classmethod
    def build(cls, features, source, channels, guidance_channels, seed=None):
        """Puts the branch on two symbolic maps of equal height and width.

        Args:
            features: symbolic map.
            source: symbolic map, from a later layer.
            channels: int, to which the features are projected.
            guidance_channels: int.
            seed: int, of the initial weights. Defaults to one of Keras'.
        """
        first, second = (None, None) if seed is None else (2 * seed, 2 * seed + 1)
        projection = keras.layers.Conv2D(
            channels,
            1,
            kernel_initializer=keras.initializers.GlorotUniform(first),
            name="compact_regions",
        )
        guidance = keras.layers.Conv2D(
            guidance_channels,
            1,
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(second),
            name="compact_guidance",
        )
        pooling = CrossLayerPooling(name="compact_pooling")
        pooled = (projection(features), guidance(source))
        descriptor = pooling(list(pooled))
        return cls(features, source, projection, guidance, pooling, pooled, descriptor)

    @property
    def layers(self):
        return self.projection, self.guidance, self.pooling

    def roles(self):
        return {
            "projection": self.projection.name,
            "guidance": self.guidance.name,
            "pooling": self.pooling.name,
        }

    @classmethod
    def restore(cls, graph, projection, guidance, pooling):
        return cls(
            graph.inputs(projection)[0],
            graph.inputs(guidance)[0],
            graph.layer(projection),
            graph.layer(guidance),
            graph.layer(pooling),
            tuple(graph.inputs(pooling)),
            graph.output(pooling),
        )

    def baseline_maps(self):
        return self.source
