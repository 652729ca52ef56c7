"""What every branch of a classifier has."""

import abc

import keras

from keras_crosspool.graphs import graph_inputs, graph_outputs


class Graph:
    """The layers of a functional model by their names, and the tensors that they read and give.

    Args:
        model: functional `keras.Model`.
    """

    def __init__(self, model):
        self._layers = {layer.name: layer for layer in model.layers}
        self._inputs, self._outputs = graph_inputs(model), graph_outputs(model)

    def layer(self, name):
        """The layer of a name; `None` for `None`."""
        return None if name is None else self._layers[name]

    def inputs(self, name):
        """The symbolic tensors that a layer reads, a list."""
        return self._inputs[name]

    def output(self, name):
        """The symbolic tensor that a layer gives."""
        return self._outputs[name]

    def producer(self, tensor):
        """The name of the layer that gives a symbolic tensor."""
        return next(name for name, output in self._outputs.items() if output is tensor)


class Branch(abc.ABC):
    """One descriptor of a classifier: layers of its own on maps of a backbone.

    Attributes:
        descriptor: symbolic `(batch, dims)`, of unit length.
        layers: tuple of `keras.layers.Layer`, those of the head.
        float32_layers: tuple of them, those that compute in float32 under every policy.
        adapted: sequence of pairs, a layer that is fitted to maps of images without labels, and
            the symbolic map.
        grid: `RegionGrid` that the branch stands on, or `None`.
        name: str, by which figures of the branch are kept; unique within a classifier.
    """

    float32_layers = ()
    adapted = ()

    @property
    @abc.abstractmethod
    def name(self):
        """Name of the branch."""

    @property
    @abc.abstractmethod
    def layers(self):
        """The layers of the head."""

    @abc.abstractmethod
    def roles(self):
        """The name of the layer in each role, a dict; `restore` takes it."""

    @classmethod
    @abc.abstractmethod
    def restore(cls, graph, **roles):
        """The branch again, from the `Graph` of a model with the same layers."""

    @abc.abstractmethod
    def baseline_maps(self):
        """The symbolic maps whose average over positions this branch is to be compared with."""

    def contributions(self, image, kernel, images, classes):
        """Splits the branch's share of class scores into what each position contributes.

        Args:
            image: symbolic input of the classifier.
            kernel: float `(dims, num_classes)`, the classifier's weights for this descriptor.
            images: float `(batch, height, width, 3)`, RGB, 0-255.
            classes: int `(batch, shown)`.

        Returns:
            float32 `(batch, shown, rows, columns)`.

        Raises:
            ValueError: if the branch has no positions to explain.
        """
        raise ValueError(
            "Only models with cross-layer pooling have positions to explain; this one averages "
            f"over them: train another scheme. Received: the branch {self.name}"
        )


def map_shape(layer, tensor):
    """Rows and columns of a symbolic map that a layer reads."""
    shape = tensor.shape
    return tuple(shape[2:4] if layer.data_format == "channels_first" else shape[1:3])


def channel_axis():
    """The axis of channels under Keras' setting."""
    return 1 if keras.config.image_data_format() == "channels_first" else 3
