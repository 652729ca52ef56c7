"""The region grid: an image network applied to densely sampled regions of an image."""

import functools

import keras
import numpy as np
from keras import ops

from keras_crosspool import graphs
from keras_crosspool.layers.windows import cut_windows, nearest_positions, shares, window_means
from keras_crosspool.whole_numbers import whole_number

MODES = ("crops", "partial", "shared")


@keras.saving.register_keras_serializable(package="keras_crosspool")
class RegionGrid(keras.layers.Layer):
    """Applies an image network to every region of a dense grid: a feature map of regions.

    The network runs over the image up to a *cut*; there the regions are cut out, and the rest of
    the network runs over each one alone. The three modes are three ways to cut:

    - `"crops"`, the definition: the image itself is cut, and every region goes through the whole
      network.
    - `"partial"`: the layers up to `cut` run once over the whole image. Regions are cut at whole
      positions of that layer's map, the nearest to where they lie in the image.
    - `"shared"`: the network runs once up to its last map. Global pooling becomes the mean over
      the region's share of that map (fractions of positions count as such), and fully-connected
      layers become convolutions of the map, computed at the grid's positions alone.

    The later the cut, the less is computed, and the more a region's activation speaks of what lies
    around the region.

    Regions go through the network an image at a time, so that memory is bounded by one image's
    regions. A batch that is known to hold one image is not looped over.

    Args:
        network: functional `keras.Model` from one image to its last feature map, whose mean over
            positions then stands for a region, or to a vector, such as VGG's `fc2`. It is held, not
            copied.
        region_size: int, or tuple of ints for regions of several sizes, in pixels. Several sizes
            share a grid: each is spread evenly over the image in as many rows and columns as the
            first has, and their activations are concatenated.
        stride: int, pixels from one region of the first size to the next.
        mode: `"crops"`, `"partial"` or `"shared"`. Defaults to `"crops"`.
        cut: str, for `"partial"`: the layer after which the regions are cut, one that every path
            through the network goes through. Defaults to `None`.
        input_size: int, side in pixels to which a region is resized (bilinear) for the network;
            where the cut comes later, the image is resized by the same factor. Defaults to the
            region's own size.
        image_by_image: bool, whether the regions of one image after the other go through the
            network; otherwise those of the whole batch go at once, without a loop in the graph.
            Defaults to `True`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)`, channels last, all but the batch known.

    Output shape:
        `(batch, rows, columns, D)` with the network's channels times the number of sizes as D.

    Raises:
        ValueError: if an argument is none of the above, the image is smaller than a region or of
            unknown size, or the network cannot be cut there.

    Reference:
        Liu, Shen and van den Hengel, "Cross-convolutional-layer Pooling for Image Recognition",
        arXiv 1510.00921: a pretrained network applied to densely sampled regions. The modes but
        `"crops"`, the sizes and the strides are this project's.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0", image_size=64)
    >>> grid = RegionGrid(backbone.model, region_size=64, stride=32)
    >>> images = np.random.randint(0, 255, (2, 128, 128, 3)).astype("float32")
    >>> tuple(grid(images).shape)
    (2, 3, 3, 1280)
    """

    def __init__(
        self,
        network,
        region_size,
        stride,
        mode="crops",
        cut=None,
        input_size=None,
        image_by_image=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network = network
        self.region_size = tuple(np.atleast_1d(region_size).tolist())
        self.stride = whole_number("stride", stride)
        self.mode = mode
        self.cut = cut
        self.input_size = None if input_size is None else whole_number("input_size", input_size)
        self.image_by_image = image_by_image
        self._check_arguments()

    def build(self, input_shape):
        self._check_shape(input_shape)
        self._image_size = tuple(input_shape[1:3])
        self._branches = [self._branch(size) for size in self.region_size]
        self.built = True

    def call(self, images):
        grids = [branch(images) for branch in self._branches]
        grid = grids[0] if len(grids) == 1 else ops.concatenate(grids, axis=-1)
        return ops.cast(grid, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        channels = self.network.output_shape[-1] * len(self.region_size)
        return (input_shape[0], *self._grid_shape(input_shape[1:3]), channels)

    def boxes(self):
        """Where the regions lie in the image that the layer was built for.

        Returns:
            int array `(sizes, rows, columns, 4)` of left, top, right and bottom, in pixels.
        """
        boxes = np.empty((len(self.region_size), *self._grid_shape(self._image_size), 4), int)
        for corners, size in zip(boxes, self.region_size, strict=True):
            tops, lefts = self._offsets(size)
            corners[..., 0], corners[..., 1] = lefts, tops[:, None]
            corners[..., 2:] = corners[..., :2] + size
        return boxes

    def get_config(self):
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "region_size": self.region_size,
            "stride": self.stride,
            "mode": self.mode,
            "cut": self.cut,
            "input_size": self.input_size,
            "image_by_image": self.image_by_image,
        }

    @classmethod
    def from_config(cls, config):
        config = {**config, "network": keras.saving.deserialize_keras_object(config["network"])}
        if "picture_by_picture" in config:  # its name in version 0.1
            config["image_by_image"] = config.pop("picture_by_picture")
        return cls(**config)

    def _branch(self, size):
        """The function from images to the grid of the regions of one size."""
        offsets, side = self._offsets(size), self.input_size or size
        if self.mode == "crops":
            network = graphs.at_size(self.network, side, side)
            return functools.partial(
                self._run_on_windows, network, [(axis, size) for axis in offsets]
            )
        early, late = self._parts()
        early = graphs.at_size(early, *(round(x * side / size) for x in self._image_size))
        axes = zip(offsets, self._image_size, early.output_shape[1:3], strict=True)
        axes = [(starts, size, pixels, positions) for starts, pixels, positions in axes]
        if late is None:
            means = functools.partial(window_means, *(shares(*axis) for axis in axes))
            return lambda images: means(early(_resize(images, early)))
        windows = [nearest_positions(*axis) for axis in axes]
        late = graphs.at_size(late, *(extent for _, extent in windows))
        rest = functools.partial(self._run_on_windows, late, windows)
        return lambda images: rest(early(_resize(images, early)))

    def _run_on_windows(self, network, windows, maps):
        """Runs a network over windows of maps: their grid."""
        (tops, height), (lefts, width) = windows

        def run(maps):
            outputs = network(_resize(cut_windows(maps, tops, lefts, height, width), network))
            if len(outputs.shape) == 4:
                outputs = ops.mean(ops.cast(outputs, "float32"), axis=(1, 2))
            return ops.reshape(outputs, (-1, len(tops), len(lefts), outputs.shape[-1]))

        if maps.shape[0] == 1 or not self.image_by_image:
            return run(maps)
        return ops.map(lambda x: ops.squeeze(run(ops.expand_dims(x, 0)), 0), maps)

    def _parts(self):
        """The network up to the cut and from there on; `None` where only pooling is left."""
        if self.mode == "partial":
            return graphs.split_at(self.network, self.cut)
        if len(self.network.output_shape) == 4:
            return self.network, None
        return graphs.split_at(self.network, graphs.last_map(self.network))

    def _offsets(self, size):
        """Where the regions of a size begin, `[tops, lefts]`, in pixels."""
        grid = self._grid_shape(self._image_size)
        axes = zip(self._image_size, grid, strict=True)
        if size != self.region_size[0]:
            return [np.rint(np.linspace(0, side - size, n)).astype(int) for side, n in axes]
        spans = [(side - size, self.stride * np.arange(n)) for side, n in axes]
        return [(room - starts[-1]) // 2 + starts for room, starts in spans]

    def _grid_shape(self, image_size):
        return tuple((side - self.region_size[0]) // self.stride + 1 for side in image_size)

    def _check_arguments(self):
        if self.mode not in MODES:
            raise ValueError(f"`mode` must be one of {MODES}. Received: mode={self.mode!r}")
        if (self.mode == "partial") != (self.cut is not None):
            raise ValueError(
                '`cut` names the layer after which the regions are cut in the mode "partial", and '
                f"that mode alone has one. Received: mode={self.mode!r}, cut={self.cut!r}"
            )
        sizes = (*self.region_size, self.stride, self.input_size or 1)
        if not self.region_size or min(sizes) < 1:
            raise ValueError(
                "Regions, stride and input must be one pixel or more. Received: "
                f"region_size={self.region_size}, stride={self.stride}, "
                f"input_size={self.input_size}"
            )

    def _check_shape(self, input_shape):
        _, height, width, channels = input_shape
        known = None not in (height, width, channels)
        if not known or min(height, width) < max(self.region_size):
            raise ValueError(
                "Expected images (batch, height, width, channels) of known size, at least as "
                f"large as the regions. Received: input_shape={tuple(input_shape)}, "
                f"region_size={self.region_size}"
            )


def _resize(images, network):
    """Resizes to what a network takes."""
    size = network.input_shape[1:3]
    return images if images.shape[1:3] == size else ops.image.resize(images, size)
