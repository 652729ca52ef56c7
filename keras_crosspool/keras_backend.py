"""What differs between the backends of Keras: all of it is here.

The layers, the models, the closed form and fine-tuning are written once, in Keras and NumPy. For
what runs under TensorFlow alone see `check_tensorflow_backend` in `environment.py`. Keras is
imported in the functions, so that what only starts workers need not wait for it.
"""

import contextlib

import numpy as np


def is_tensorflow():
    """Whether Keras computes by TensorFlow."""
    return _name() == "tensorflow"


def batch_predictor(model):
    """A function like `model.predict_on_batch`, for batches of one size and a smaller last one.

    JAX compiles for each size, which takes seconds, and divides a batch evenly among devices: under
    it a smaller batch is filled up with its own rows, whose outputs are dropped.

    Args:
        model: `keras.Model`.

    Returns:
        Function of an array `(batch, …)` that gives the model's outputs as arrays.
    """
    if _name() != "jax":
        return model.predict_on_batch
    import keras

    size = 0

    def predict(rows):
        nonlocal size
        count, size = len(rows), max(size, len(rows))
        outputs = model.predict_on_batch(np.resize(rows, (size, *rows.shape[1:])))
        return keras.tree.map_structure(lambda output: output[:count], outputs)

    return predict


def compute_device():
    """The name of the device that Keras computes on, such as `"GPU:0"`, as its backend says it."""
    import keras

    return str(keras.ops.zeros(()).device).rpartition("device:")[2]


def compiles_training(device):
    """Whether a training step is to be compiled for the one device of this name, and why.

    Args:
        device: str, from `compute_device`.

    Returns:
        bool, and a str.
    """
    backend = _name()
    if backend == "jax":
        return True, "JAX is slow without it"
    if backend != "tensorflow":
        return False, f"the backend {backend} computes step by step"
    if device.startswith("GPU"):
        return True, "one GPU"
    return False, "it gains nothing on a CPU"


def keep_tensorflow_off_gpus():
    """Leaves the GPUs to the backend; TensorFlow, which only feeds it then, would fill them.

    Call it where TensorFlow is first used to read or augment images: once it has made a tensor, it
    keeps what it took.
    """
    if is_tensorflow():
        return
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # the program has used it on them before
        tf.config.set_visible_devices([], "GPU")


def _name():
    import keras

    return keras.config.backend()
