"""What is exported: a Keras model that computes in float32, and what is known of it."""

import dataclasses
import functools

import keras

from keras_crosspool.environment import check_tensorflow_backend
from keras_crosspool.exporting.images import Images
from keras_crosspool.exporting.output_names import DESCRIPTOR, LOGITS
from keras_crosspool.graphs import graph_nodes
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.models.directory import load_model, own_splits
from keras_crosspool.models.fingerprint import model_fingerprint
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.policy import all_layers, changed_network, network_with_policy

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)


@dataclasses.dataclass(frozen=True)
class Source:
    """A model ready for export.

    Attributes:
        model: `keras.Model` whose layers all compute in float32, RGB 0-255 in, logits out.
        metadata: `ModelMetadata`.
        original: `keras.Model` as it was saved, which may have been trained under another
            precision and is not changed.
        calibration: `Images` that set the ranges of int8; `None` for the model's own data.
        image_options: dict, arguments of `open_split` with which images for the model are read.
        is_embedder: bool, whether the descriptor comes out instead of logits. Defaults to `False`.
        further_outputs: tuple of str, the names of what comes out of the model behind that.
            Defaults to none; ONNX alone takes them.
    """

    model: keras.Model
    metadata: ModelMetadata
    original: keras.Model
    image_options: dict = dataclasses.field(default_factory=dict)
    calibration: Images | None = None
    is_embedder: bool = False
    further_outputs: tuple = ()
    _made: dict = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    @functools.cached_property
    def sha256(self):
        """Hex sha256 of the model's layers and weights."""
        return model_fingerprint(self.model)

    @property
    def rebuilt_from(self):
        """The compute dtype it was trained under where that is not float32, else `None`."""
        return _half_dtype(self.original)

    @property
    def output_name(self):
        """What comes out of the model: `"logits"` or `"descriptor"`."""
        return DESCRIPTOR if self.is_embedder else LOGITS

    def embedder(self):
        """The model up to its descriptor, as a `Source`."""
        return dataclasses.replace(
            self,
            model=_up_to_the_descriptor(self.model),
            original=_up_to_the_descriptor(self.original),
            is_embedder=True,
        )

    def once(self, key, make):
        """Gives what `make` gives, made once for this source: exports share conversions.

        Args:
            key: what it is called, hashable.
            make: function without arguments.
        """
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def float_layers(self):
        """Names of the layers after the last convolution: the head, which stays in float.

        The pooled sums span decades before their square root, so eight or sixteen bits would
        destroy them.

        Returns:
            tuple of str.
        """
        feeding, head = set(), []
        for node in reversed(graph_nodes(self.model)):
            outputs = {id(tensor) for tensor in node.output_tensors}
            if isinstance(node.operation, _CONVOLUTIONS) or outputs & feeding:
                feeding |= {id(tensor) for tensor in node.input_tensors}
            else:
                head.append(node.operation.name)
        return tuple(dict.fromkeys(reversed(head)))

    def to_dict(self):
        """The model as plain data for a record."""
        rejection = self.metadata.rejection
        return {
            "name": self.metadata.name,
            "class_names": list(self.metadata.class_names),
            "image_size": self.metadata.image_size,
            "task": self.metadata.task,
            "thresholds": self.metadata.thresholds,
            "rejection": rejection and dataclasses.asdict(rejection),
            "preprocessing": self.metadata.preprocessing,
            "sha256": self.sha256,
            "rebuilt_from": self.rebuilt_from,
        }


def load_source(directory, image_options=None, descriptor=False):
    """Loads a model directory for export; a half-precision model is rebuilt under float32.

    Args:
        directory: path of a model directory.
        image_options: dict, arguments of `open_split` with which images for calibration and parity
            are read: `skip_broken`, `max_megapixels`. Defaults to none.
        descriptor: bool, whether the descriptor comes out instead of logits. Defaults to `False`.

    Returns:
        `Source`.

    Raises:
        ValueError: if it is no model directory, or Keras has another backend than TensorFlow.
    """
    options = {"splits": own_splits(directory)} | (image_options or {})
    source = make_source(*load_model(directory), options)
    return source.embedder() if descriptor else source


def make_source(model, metadata, image_options=None, calibration=None):
    """Makes a source of a model in memory; see `load_source`."""
    check_tensorflow_backend("Export")
    # Half-precision graphs do not convert, or convert to something else.
    rebuilt = model if _half_dtype(model) is None else _in_float32(model)
    return Source(_without_loops(rebuilt), metadata, model, image_options or {}, calibration)


def _up_to_the_descriptor(model):
    return keras.Model(model.inputs, model.layers[-1].input)


def _in_float32(model):
    copy = network_with_policy(model, "float32")
    copy.set_weights(model.get_weights())
    return copy


def _without_loops(model):
    """The model, or a copy whose region grids have no loop: converters do not look into them."""
    if not any(isinstance(layer, RegionGrid) for layer in model.layers):
        return model

    def change(layer, config):
        if isinstance(layer, RegionGrid):
            config["image_by_image"] = False

    copy = changed_network(model, change)
    copy.set_weights(model.get_weights())
    return copy


def _half_dtype(model):
    dtypes = {layer.compute_dtype for layer in all_layers(model)} - {"float32"}
    return min(dtypes) if dtypes else None
