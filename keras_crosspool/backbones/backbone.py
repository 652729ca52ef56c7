"""The backbone: a pretrained network together with its named feature maps."""

import dataclasses
import difflib
import itertools

import keras

from keras_crosspool.backbones import feature_maps
from keras_crosspool.backbones.feature_maps import FeatureInfo
from keras_crosspool.graphs import graph_outputs


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A network from image to feature maps, preprocessing included.

    Args:
        name: canonical name of the network, such as `"ResNet50"`.
        model: functional `keras.Model` from images to the last feature map.
        feature_info: the feature maps, in the order in which they follow each other.
        weights: where the weights come from: `"imagenet"`, `"none"` or a file.

    Input shape:
        `(batch, image_size, image_size, 3)`, RGB, 0-255, float; with the colour axis first where
        Keras is set to `channels_first`.

    Example:

    >>> from keras_crosspool.backbones import create_backbone
    >>> backbone = create_backbone("EfficientNetLite0")
    >>> features, guidance = backbone.default_feature_maps()
    >>> features
    FeatureInfo(layer='block7a_project_bn', stride=32, channels=320, position=29)
    >>> backbone.feature_map(guidance.layer).shape
    (None, 7, 7, 1280)
    """

    name: str
    model: keras.Model
    feature_info: tuple[FeatureInfo, ...]
    weights: str

    @classmethod
    def of_network(cls, network):
        """The backbone of a functional network from images to its last map, weights and all."""
        return cls(network.name, network, feature_maps.find_feature_maps(network), "its own")

    @property
    def input(self):
        """The symbolic batch of images."""
        return self.model.inputs[0]

    @property
    def image_size(self):
        """Side of the square input, in pixels."""
        return feature_maps.spatial_shape(self.input)[0]

    def default_feature_maps(self):
        """Picks the last two consecutive feature maps of the same height and width.

        Returns:
            Two `FeatureInfo`: the features (local descriptors) and the guidance (pooling
            weights), which is the later one.

        Raises:
            ValueError: no two consecutive maps have the same height and width.

        Reference:
            Liu, Shen and van den Hengel, "Cross-convolutional-layer Pooling for Image
            Recognition", arXiv 1510.00921: features and guidance from successive layers.
        """
        pairs = self.pairs()
        if not pairs:
            raise ValueError(
                f"Expected two consecutive feature maps of the same size in {self.name}; name the "
                f"layers yourself. Received: maps of {self._map_shapes()}"
            )
        return pairs[0]

    def earlier_feature_maps(self, layer_name):
        """Picks the last two consecutive feature maps of one size, larger than that of a layer.

        Args:
            layer_name: str, of a feature map.

        Returns:
            Two `FeatureInfo`, the features and the guidance, as `default_feature_maps` gives them.

        Raises:
            ValueError: there is no such layer, or no two such maps.

        Example:

        >>> from keras_crosspool.backbones import create_backbone
        >>> backbone = create_backbone("EfficientNetLite0", image_size=224)
        >>> [info.stride for info in backbone.earlier_feature_maps("head_activation")]
        [16, 16]
        """
        shape = feature_maps.spatial_shape(self.feature_map(layer_name))
        for features, guidance in self.pairs():
            if min(feature_maps.spatial_shape(self.feature_map(features.layer))) > max(shape):
                return features, guidance
        raise ValueError(
            f"Expected two consecutive feature maps of one size in {self.name}, larger than the "
            f"{shape[0]} x {shape[1]} positions of {layer_name}. "
            f"Received: maps of {self._map_shapes()}"
        )

    def pairs(self):
        """Lists the consecutive feature maps of the same height and width.

        Returns:
            list of pairs of `FeatureInfo`, features and guidance, the deepest first: the first is
            that of `default_feature_maps`.

        Example:

        >>> from keras_crosspool.backbones import create_backbone
        >>> pairs = create_backbone("EfficientNetLite0").pairs()
        >>> [info.layer for info in pairs[0]]
        ['block7a_project_bn', 'head_activation']
        """
        maps = list(zip(self._map_shapes(), self.feature_info, strict=True))
        return [
            (features, guidance)
            for (before, features), (after, guidance) in itertools.pairwise(maps)
            if before == after
        ][::-1]

    def _map_shapes(self):
        """Height and width of each of the feature maps."""
        outputs = graph_outputs(self.model)
        return [feature_maps.spatial_shape(outputs[info.layer]) for info in self.feature_info]

    def feature_map(self, layer_name):
        """Looks up a layer's output.

        Args:
            layer_name: name of a layer; those of `feature_info` are the feature maps, but any
                layer of the network will do.

        Returns:
            The symbolic tensor, `(batch, height, width, channels)` for a feature map.

        Raises:
            ValueError: the network has no such layer.
        """
        outputs = graph_outputs(self.model)
        if layer_name in outputs:
            return outputs[layer_name]
        close = difflib.get_close_matches(layer_name, outputs)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise ValueError(
            f"{self.name} has no layer of this name. {hint}Its feature maps are "
            f"{', '.join(info.layer for info in self.feature_info)}. Received: {layer_name!r}"
        )

    def extractor(self, layer_names):
        """Builds a model that gives several feature maps at once.

        Args:
            layer_names: names of the layers.

        Returns:
            A `keras.Model` from images to a dict, layer name to map.

        Raises:
            ValueError: the network lacks one of the layers.

        Example:

        >>> from keras_crosspool.backbones import create_backbone
        >>> backbone = create_backbone("MobileNetV2", image_size=96, weights="none")
        >>> extractor = backbone.extractor([info.layer for info in backbone.default_feature_maps()])
        >>> {name: tensor.shape for name, tensor in extractor.output.items()}
        {'block_16_project_BN': (None, 3, 3, 320), 'out_relu': (None, 3, 3, 1280)}
        """
        outputs = {name: self.feature_map(name) for name in layer_names}
        return keras.Model(self.input, outputs, name=f"{self.model.name}_features")
