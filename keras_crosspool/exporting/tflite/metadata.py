"""The metadata of a TFLite file, by which MediaPipe and ML Kit know images, classes and threshold.

Reference: TensorFlow Lite's metadata_schema.fbs, version 1.0; the numbers are its fields.
"""

import io
import zipfile

from keras_crosspool.exporting.labels import LABELS_FILE, labels_text
from keras_crosspool.exporting.output_names import PROBABILITIES
from keras_crosspool.exporting.tflite.container import pack, parse
from keras_crosspool.exporting.tflite.metadata_table import Byte, Float, UInt, pack_table

_ENTRY = b"TFLITE_METADATA"
_IDENTIFIER = b"M001"
_LEAST_PARSER = "1.0.0"
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = Byte(1), Byte(2)
_RGB = Byte(1)
_NORMALIZATION, _SCORE_THRESHOLDING = Byte(1), Byte(3)
_AXIS_LABELS = Byte(2)
_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # of a ZIP file, so that two exports are equal
_LICENSE = "The weights of the backbone keep the licence of their source."


def with_metadata(content, source):
    """Puts the metadata and the labels file into a TFLite file, as its last change.

    Args:
        content: bytes of a TFLite file.
        source: `Source` it was made from.

    Returns:
        bytes of a TFLite file with a ZIP file behind it, as the format wants it.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = parse(content)
    graph = model.subgraphs[0]
    takes_bytes = graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    output = model.signatureDefs[0].outputs[0].name.decode()
    table = _model(source, takes_bytes, output)
    model.buffers.append(schema.BufferT(data=bytearray(pack_table(table, _IDENTIFIER))))
    model.metadata.append(schema.MetadataT(name=_ENTRY, buffer=len(model.buffers) - 1))
    sealed = pack(model)
    return sealed if source.is_embedder else _with_labels(sealed, source.metadata.class_names)


def least_score(metadata, output):
    """The score from which on a class is named, or `None` where no score is such a limit.

    Args:
        metadata: `ModelMetadata`.
        output: str, `"probabilities"` or `"logits"`.

    Returns:
        float. For several labels an image, the least of their thresholds.
    """
    if output != PROBABILITIES:
        rejection = metadata.rejection
        is_logit = rejection is not None and rejection.confidence == "max_logit"
        return rejection.threshold if is_logit else None
    if metadata.thresholds is not None:
        return min(metadata.thresholds)
    return metadata.rejection and metadata.rejection.least_probability


def _model(source, takes_bytes, output):
    known = source.metadata
    return {
        0: known.name,
        1: f"Tells {len(known.class_names)} classes apart. Images: {known.preprocessing}.",
        2: source.sha256[:12],
        3: [
            {
                2: [_image(known.image_size, takes_bytes)],
                3: [_descriptor() if source.is_embedder else _scores(known, output)],
            }
        ],
        5: _LICENSE,
        7: _LEAST_PARSER,
    }


def _image(size, takes_bytes):
    normalization = {0: _NORMALIZATION, 1: {0: [0.0], 1: [1.0]}}
    return {
        0: "image",
        1: "RGB, 0-255; the network's own scaling is inside the model.",
        3: {0: _IMAGE_PROPERTIES, 1: {0: _RGB, 1: {0: UInt(size), 1: UInt(size)}}},
        4: None if takes_bytes else [normalization],
        5: {0: [255.0], 1: [0.0]},
    }


def _scores(known, output):
    limit = least_score(known, output)
    threshold = {0: _SCORE_THRESHOLDING, 1: {0: Float(limit)}} if limit is not None else None
    labels = {0: LABELS_FILE, 1: "The classes, in the order of the scores.", 2: _AXIS_LABELS}
    return {
        0: output,
        1: f"The {output} of the classes.",
        3: {0: _FEATURE_PROPERTIES, 1: {}},
        4: threshold and [threshold],
        6: [labels],
    }


def _descriptor():
    return {
        0: "descriptor",
        1: "The descriptor of the image, of unit length; compare two by their cosine.",
        3: {0: _FEATURE_PROPERTIES, 1: {}},
    }


def _with_labels(content, class_names):
    """The file with `labels.txt` in a ZIP file behind it, where readers of metadata look."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, _OLDEST_DATE), labels_text(class_names))
    return file.getvalue()
