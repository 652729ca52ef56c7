"""A Keras model as a TensorFlow SavedModel with stable names: what the converters read."""

import keras

INPUT_NAME = "image"
OUTPUT_NAME = "logits"


def write_saved_model(model, directory, batch_size):
    """Writes a model as a SavedModel with the input `image` and the output `logits`.

    Args:
        model: `keras.Model`.
        directory: path to write.
        batch_size: int; `0` leaves it open.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",
        lambda image: {OUTPUT_NAME: model(image, training=False)},
        input_signature=[image_spec(model, batch_size)],
    )
    archive.write_out(directory, verbose=False)


def image_spec(model, batch_size):
    """The input of a model as a `keras.InputSpec`, float32 with a fixed or open batch."""
    shape = (batch_size or None, *model.input_shape[1:])
    return keras.InputSpec(dtype="float32", shape=shape, name=INPUT_NAME)
