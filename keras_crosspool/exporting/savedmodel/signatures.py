"""What a SavedModel offers: functions from images, or from their files, to scores."""

import keras
import tensorflow as tf

from keras_crosspool.exporting.output_names import PROBABILITIES
from keras_crosspool.exporting.saved_model import INPUT_NAME, image_spec, naming_scratch
from keras_crosspool.exporting.savedmodel.image_reader import read_images
from keras_crosspool.targets import MULTI_LABEL

DEFAULT, FILES = "serving_default", "serve_bytes"
FILES_INPUT = "image_bytes"  # servers take a name that ends so for base64


def make_signatures(source, output_name):
    """The functions of a SavedModel, each with what it takes.

    Args:
        source: `Source`.
        output_name: str, `"probabilities"`, or what else comes out of the source's model.

    Returns:
        dict, name of the signature to a pair: a function, and a list of what it takes.
        `serving_default` takes float images `(batch, height, width, 3)`; `serve_bytes` takes
        JPEG and PNG files, `(batch,)` of str. Of a classifier it gives `classes`, str
        `(batch, classes)`, the best one first, and their `scores`. Where probabilities come out,
        `logits` gives what they are made of.
    """
    spec = image_spec(source.model, batch_size=0)
    images = [tf.TensorSpec(spec.shape, spec.dtype, name=INPUT_NAME)]
    files = [tf.TensorSpec((None,), tf.string, name=FILES_INPUT)]
    # One graph, which all signatures call: it is traced once and stored once.
    network = tf.function(lambda image: source.model(image, training=False))
    finished = _with_probabilities(network, source) if output_name == PROBABILITIES else network
    signatures = {
        DEFAULT: (lambda image: {output_name: finished(image)}, images),
        FILES: (_from_files(finished, source, output_name), files),
    }
    if output_name == PROBABILITIES:
        signatures[source.output_name] = (
            lambda image: {source.output_name: network(image)},
            images,
        )
    return signatures


def _with_probabilities(network, source):
    is_multi_label = source.metadata.task == MULTI_LABEL.name
    activation = keras.ops.sigmoid if is_multi_label else keras.ops.softmax
    return lambda image: activation(network(image))


def _from_files(network, source, output_name):
    size = source.metadata.image_size

    def descriptors(image_bytes):
        return {output_name: network(read_images(image_bytes, size))}

    def ranked(image_bytes):
        scores = network(read_images(image_bytes, size))
        order = tf.argsort(scores, direction="DESCENDING", stable=True)
        names = tf.constant(source.metadata.class_names)
        return {
            "classes": tf.gather(names, order),
            "scores": tf.gather(scores, order, batch_dims=1),
        }

    return descriptors if source.is_embedder else ranked


def write_signatures(model, signatures, directory):
    """Writes a model with its signatures as a SavedModel.

    Keras' own writer stores each weight twice, so the variables are handed over here.

    Args:
        model: `keras.Model`.
        signatures: dict as `make_signatures` gives it.
        directory: path of a temporary directory that is not there.

    Raises:
        OSError: if there is no room.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    functions = {
        name: tf.function(function, input_signature=specs).get_concrete_function()
        for name, (function, specs) in signatures.items()
    }
    with naming_scratch(directory):
        tf.saved_model.save(module, str(directory), functions)
