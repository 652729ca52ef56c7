"""Requests by which TensorFlow Serving warms a model up before it takes any from users.

They are messages of TensorFlow Serving, whose package is not needed: the few fields that count are
written here by their numbers.

Reference: TensorFlow Serving, "SavedModel Warmup", and its prediction_log, predict and model.proto.
"""

import io

import tensorflow as tf

from keras_crosspool.files import scratch_directory

WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"
_GREY = 127
_PREDICT_LOG = 6  # of PredictionLog
_REQUEST = 1  # of PredictLog
_MODEL, _INPUTS = 1, 2  # of PredictRequest
_SIGNATURE = 3  # of ModelSpec
_KEY, _VALUE = 1, 2  # of an entry of a map


def warm_up_requests(signatures, image_size):
    """One request for each signature, with a grey image or its JPEG and its PNG file.

    Args:
        signatures: dict, as `list_signatures` gives it.
        image_size: int, side of the images in pixels.

    Returns:
        bytes of a TFRecord file of `PredictionLog` messages.
    """
    with scratch_directory() as folder:
        path = folder / "requests"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for name, tensors in signatures.items():
                writer.write(_prediction_log(name, tensors["inputs"], image_size))
        return path.read_bytes()


def _prediction_log(signature, tensors, image_size):
    model = _field(_SIGNATURE, signature.encode())
    request = _field(_MODEL, model)
    for tensor in tensors:
        value = _images(tensor, image_size).SerializeToString()
        entry = _field(_KEY, tensor["name"].encode()) + _field(_VALUE, value)
        request += _field(_INPUTS, entry)
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _images(tensor, image_size):
    """What goes into a tensor, a `TensorProto`; one number stands for a whole grey image."""
    if tensor["dtype"] == "string":
        return tf.make_tensor_proto([_encoded(kind, image_size) for kind in ("JPEG", "PNG")])
    return tf.make_tensor_proto(float(_GREY), "float32", (1, *tensor["shape"][1:]))


def _encoded(kind, image_size):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (image_size, image_size), (_GREY,) * 3).save(file, kind)
    return file.getvalue()


def _field(number, content):
    """A field of bytes, text or a message: its number with the wire type 2, its length, itself."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number):
    """Seven bits a byte, the lowest first; all but the last have the top bit."""
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])
