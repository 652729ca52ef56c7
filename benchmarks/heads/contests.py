"""Which layer is compared with which published formulation, and what is run of both."""

import dataclasses
from collections.abc import Callable

from benchmarks.heads import published
from keras_crosspool import (
    CompactBilinearPooling,
    CovariancePooling,
    CrossLayerPooling,
    HierarchicalBilinearPooling,
    MatrixRootPooling,
    ProjectedCovariancePooling,
)

_BARE = {"signed_square_root": False, "l2_normalization": False}


@dataclasses.dataclass(frozen=True)
class Contest:
    """A layer and a published formulation of the same descriptor.

    Attributes:
        layer_name: str.
        published_name: str.
        make: function of `units` that makes the layer.
        formulation: function of the layer and rows of its maps.
        maps: int, how many maps it takes.
    """

    layer_name: str
    published_name: str
    make: Callable
    formulation: Callable
    maps: int = 2

    def build(self, shape, units):
        """Both as functions of random maps.

        Args:
            shape: `benchmarks.layers.layer_shape.LayerShape` of the maps.
            units: int, length of sketches and projections.

        Returns:
            The layer and the formulation, functions of maps, and a list of the maps.
        """
        import keras
        from keras import ops

        sizes = [(shape.features, shape.guidance)[i % 2] for i in range(self.maps)]
        grid = (shape.batch, shape.side, shape.side)
        maps = [keras.random.normal((*grid, size), seed=i) for i, size in enumerate(sizes)]
        layer = self.make(units)
        layer(maps)

        def pool(*maps):
            return layer(list(maps))

        def formulate(*maps):
            rows = [ops.reshape(x, (shape.batch, shape.side**2, x.shape[3])) for x in maps]
            return self.formulation(layer, *rows)

        return pool, formulate, maps


def _sketch(units):
    return CompactBilinearPooling(units, **_BARE)


CONTESTS = (
    Contest(
        "CrossLayerPooling",
        "outer product at each position",
        lambda units: CrossLayerPooling(**_BARE),
        published.outer_products,
    ),
    Contest(
        "CompactBilinearPooling, Tensor Sketch",
        "FFT at each position",
        _sketch,
        published.fft_at_each_position,
    ),
    Contest(
        "CompactBilinearPooling, Tensor Sketch",
        "FFT at each position, one inverse",
        _sketch,
        published.fft_summed_first,
    ),
    Contest(
        "CompactBilinearPooling, Random Maclaurin",
        "projections at each position",
        lambda units: CompactBilinearPooling(units, "random_maclaurin", **_BARE),
        published.signs_at_each_position,
    ),
    Contest(
        "HierarchicalBilinearPooling",
        "projections at each position",
        lambda units: HierarchicalBilinearPooling(units, **_BARE),
        published.projections_at_each_position,
        maps=3,
    ),
    Contest(
        "CovariancePooling",
        "eigenvalues",
        lambda units: CovariancePooling(),
        published.covariance_by_eigenvalues,
        maps=1,
    ),
    Contest(
        "MatrixRootPooling",
        "singular values",
        lambda units: MatrixRootPooling(**_BARE),
        published.root_by_singular_values,
    ),
    Contest(
        "ProjectedCovariancePooling",
        "covariance first",
        ProjectedCovariancePooling,
        published.covariance_first,
        maps=1,
    ),
)
