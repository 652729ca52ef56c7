"""Opens an exported file in a runtime that is not ours and writes what it says of some images.

It imports nothing of this project, so that any Python with a runtime in it can run this file:

    python benchmarks/runtimes/clients.py CLIENT FILE IMAGES.npy SCORES.npy

The images are uint8 `(n, height, width, 3)`, the scores `(n, classes)` as the file gives them.
"""

import pathlib
import sys

import numpy as np


def litert_interpreter(path, images):
    """LiteRT's Interpreter, by its signature runner, as its documentation shows."""
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(path).get_signature_runner()
    (name,) = run.get_input_details()
    return [next(iter(run(**{name: image}).values())) for image in _floats(images)]


def litert_compiled_model(path, images):
    """LiteRT's CompiledModel, its newer interface."""
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_file(path)
    takes, gives = model.create_input_buffers(0), model.create_output_buffers(0)
    (details,) = model.get_output_tensor_details(next(iter(model.get_signature_list()))).values()
    count, scores = int(np.prod(details["shape"])), []
    for image in _floats(images):
        takes[0].write(image)
        model.run_by_index(0, takes, gives)
        scores.append(gives[0].read(count, np.float32))
    return scores


def mediapipe(path, images):
    """MediaPipe's ImageClassifier, which reads normalisation and class names from the file."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    # Zero would stand for the threshold that the file names.
    options = vision.ImageClassifierOptions(BaseOptions(path), score_threshold=1e-12)
    scores = []
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for image in images:
            shown = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
            (head,) = classifier.classify(shown).classifications
            ordered = sorted(head.categories, key=lambda category: category.index)
            scores.append([category.score for category in ordered])
    return scores


def onnxruntime(path, images):
    """ONNX Runtime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return [session.run(None, {taken.name: image})[0] for image in _floats(images)]


def openvino(path, images):
    """OpenVINO on the CPU."""
    import openvino

    file = path if pathlib.Path(path).is_file() else f"{path}/model.xml"
    model = openvino.compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [model(image)[0] for image in _floats(images)]


def opencv(path, images):
    """OpenCV's dnn module."""
    import cv2

    read = cv2.dnn.readNetFromTFLite if path.endswith(".tflite") else cv2.dnn.readNetFromONNX
    network, scores = read(path), []
    for image in _floats(images):
        network.setInput(image)
        scores.append(network.forward())
    return scores


def tensorflow(path, images):
    """TensorFlow's loader and the signature that TensorFlow Serving calls."""
    import tensorflow as tf

    signature = tf.saved_model.load(path).signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    run = [signature(**{name: tf.constant(image)}) for image in _floats(images)]
    return [next(iter(outputs.values())).numpy() for outputs in run]


CLIENTS = {
    each.__name__: each
    for each in (
        litert_interpreter,
        litert_compiled_model,
        mediapipe,
        onnxruntime,
        openvino,
        opencv,
        tensorflow,
    )
}


def _floats(images):
    """Each image as a float32 batch of one."""
    return (image[None].astype("float32") for image in images)


def main(client, path, images, output):
    """Runs a client; see above."""
    scores = CLIENTS[client](path, np.load(images))
    np.save(output, np.array([np.asarray(each, "float32").ravel() for each in scores]))


if __name__ == "__main__":
    main(*sys.argv[1:])
