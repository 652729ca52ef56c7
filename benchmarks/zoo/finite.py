"""Whether the weights and the gradients of a model are numbers, and whether all of them learn."""

import numpy as np


def check_weights(model):
    """Refuses a model with a weight that is NaN or infinite.

    Args:
        model: `keras.Model`.

    Raises:
        ValueError: with the names of such weights.
    """
    wrong = [weight.path for weight in model.weights if not np.isfinite(weight.numpy()).all()]
    if wrong:
        raise ValueError(f"All weights must be finite. Received: {_listed(wrong)}")


def check_gradient(model, images, labels):
    """Refuses a model whose loss has no finite gradient, or none but zero, for one of its weights.

    Args:
        model: classifier, TensorFlow its backend.
        images: `(n, height, width, 3)`, RGB, 0-255.
        labels: int `(n,)`.

    Raises:
        ValueError: with the names of such weights.
    """
    import keras
    import tensorflow as tf

    check_weights(model)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    weights = model.trainable_weights

    @tf.function  # as `fit` computes it
    def gradients_of(images, labels):
        with tf.GradientTape() as tape:
            value = loss(labels, model(images, training=False))
        return tape.gradient(value, [weight.value for weight in weights])

    gradients = gradients_of(tf.constant(images, "float32"), tf.constant(labels))
    wrong = [
        weight.path
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is None or not np.isfinite(gradient).all() or not np.any(gradient)
    ]
    if wrong:
        raise ValueError(
            "All weights must have a gradient that is finite and not zero. Received: "
            f"{_listed(wrong)}"
        )


def _listed(names, most=3):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
