"""A Keras model as a TensorFlow SavedModel with stable names: what the converters read."""

import contextlib
import shutil
import tempfile
import weakref

import keras

from keras_crosspool.files import scratch_error

INPUT_NAME = "image"


def saved_model(source, batch_size):
    """Writes a model as a SavedModel: the input is `image`, the output `logits` or `descriptor`.

    It is written once for a source, to a temporary directory that goes with the source.

    Args:
        source: `Source`.
        batch_size: int; `0` leaves it open.

    Returns:
        str, path of the directory.
    """
    return source.once(("saved_model", batch_size), lambda: _write(source, batch_size))


def image_spec(model, batch_size):
    """The input of a model as a `keras.InputSpec`, float32 with a fixed or open batch."""
    shape = (batch_size or None, *model.input_shape[1:])
    return keras.InputSpec(dtype="float32", shape=shape, name=INPUT_NAME)


@contextlib.contextmanager
def naming_scratch(directory):
    """Lets the errors of a temporary directory without room say so, TensorFlow's among them.

    Args:
        directory: path.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        reason = str(error).splitlines()[0].rpartition("; ")[2]  # TensorFlow names files before it
        raise scratch_error(directory, reason) from error
    except OSError as error:
        raise scratch_error(directory, error.strerror) from error


def _write(source, batch_size):
    model, archive = source.model, keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",
        lambda image: {source.output_name: model(image, training=False)},
        input_signature=[image_spec(model, batch_size)],
    )
    directory = tempfile.mkdtemp()
    weakref.finalize(source, shutil.rmtree, directory)
    with naming_scratch(directory):
        archive.write_out(directory, verbose=False)
    return directory
