"""Keras to a SavedModel with signatures for images and for their files."""

import pathlib

from keras_crosspool.exporting import formats
from keras_crosspool.exporting.folder import Folder
from keras_crosspool.exporting.labels import LABELS_FILE, labels_text
from keras_crosspool.exporting.output_names import PROBABILITIES
from keras_crosspool.exporting.parity import ParityError
from keras_crosspool.exporting.probabilities import check_probabilities, check_scores
from keras_crosspool.exporting.publish import Draft, publish
from keras_crosspool.exporting.savedmodel.inspection import list_operators, list_signatures
from keras_crosspool.exporting.savedmodel.runner import SavedModelRunner
from keras_crosspool.files import scratch_directory

_PACKAGES = ("tensorflow", "tensorflow_cpu", "pillow")
_MOST_DIFFERENCE = 1  # of 255


def export_savedmodel(
    source, output, precision="float32", comparator=None, *, scores="probabilities"
):
    """Writes a model as a SavedModel whose parity with Keras is proven.

    The folder has the signature `serving_default` for float32 images, and `serve_bytes`, which
    takes JPEG and PNG files and gives class names with their scores. Both take any batch.

    Args:
        source: `Source`.
        output: path of the `.savedmodel` folder.
        precision: `"float32"`, the default and only one.
        comparator: `Comparator`, or `None` (the default) to write it unproven.
        scores: `"probabilities"` (the default; softmax or sigmoid in the graph) or `"logits"`.

    Returns:
        `Artefact`.

    Raises:
        ValueError: if the precision or the output is not as expected.
        ParityError: if the result is not the Keras model any more, or reads images otherwise.
    """
    from keras_crosspool.exporting.savedmodel.signatures import (
        DEFAULT,
        make_signatures,
        write_signatures,
    )

    formats.get_format("savedmodel").check_arguments(precision, scores=scores)
    check_scores(source, scores)
    output_name = source.output_name if source.is_embedder else scores
    with scratch_directory() as scratch:
        path = scratch / "model"
        write_signatures(source.model, make_signatures(source, output_name), path)
        content, operators, signatures = _inspect(path, source, DEFAULT)
        reads_files = {"formats": ("JPEG", "PNG"), "orientation": "applied, as EXIF states it"}
        details = {"signatures": signatures, "reads_files": reads_files}
        details["warm_up"] = tuple(signatures)
        if comparator:
            details["reads_files"] |= _check_reader(source, comparator)
        if comparator and output_name == PROBABILITIES:
            details["probabilities"] = _check_probabilities(path, source, comparator)
    draft = Draft(
        "savedmodel",
        precision,
        content,
        operators,
        signatures[DEFAULT]["inputs"],
        signatures[DEFAULT]["outputs"],
        _PACKAGES,
        details,
        make_runner=lambda path, _: _logits_runner(path, source, output_name),
    )
    return publish(draft, source, pathlib.Path(output), comparator)


def _inspect(path, source, signature):
    """The content of a written SavedModel, its operators and its signatures."""
    import tensorflow as tf

    from keras_crosspool.exporting.savedmodel.warm_up import WARM_UP_FILE, warm_up_requests

    loaded = tf.saved_model.load(str(path))
    files, signatures = Folder.read(path).files, list_signatures(loaded)
    files[WARM_UP_FILE] = warm_up_requests(signatures, source.metadata.image_size)
    if not source.is_embedder:
        files[f"assets/{LABELS_FILE}"] = labels_text(source.metadata.class_names).encode()
    return Folder(files), list_operators(loaded, signature), signatures


def _logits_runner(path, source, output_name):
    """Runs what softmax would hide from the comparison: the logits, or else the descriptor."""
    if output_name != PROBABILITIES:
        return SavedModelRunner(path)
    return SavedModelRunner(path, source.output_name)


def _check_reader(source, comparator):
    """Compares the images that files come to with those of the evaluation.

    Returns:
        dict for the record: the largest difference, of 255.

    Raises:
        ParityError: if a file comes to another image.
    """
    from keras_crosspool.exporting.savedmodel.image_reader import largest_difference

    difference = largest_difference(comparator.images.pixels, source.metadata.image_size)
    if difference > _MOST_DIFFERENCE:
        raise ParityError(
            "TensorFlow reads image files otherwise than the evaluation, so nothing was written: "
            f"pixels differ by {difference:.0f} of 255, at most {_MOST_DIFFERENCE} allowed."
        )
    return {"max_abs": difference}


def _check_probabilities(path, source, comparator):
    with SavedModelRunner(path) as runner, SavedModelRunner(path, source.output_name) as logits:
        return check_probabilities(runner, logits, source.metadata.task, comparator)
