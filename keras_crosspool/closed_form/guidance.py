"""Training of the guidance layer of scheme 2, through an auxiliary classifier."""

import keras
import numpy as np

_DROPOUT = 0.5
_WEIGHT_DECAY = 1e-2


def train_guidance(layer, features, targets, loss, options):
    """Trains a guidance layer so that its strongest responses tell the classes apart.

    Above the guidance come global max pooling, dropout and a linear classifier, which is thrown
    away afterwards; the features stay as they are.

    Args:
        layer: the guidance layer, a convolution with activation; trained in place.
        features: float `(images, rows, columns, D)`, projected region grids.
        targets: float32 `(images, classes)`.
        loss: `keras.losses.Loss` of logits.
        options: `GuidanceConfig`.

    Returns:
        dict, metric name to its value after each epoch.

    Raises:
        FloatingPointError: if the training diverged.

    Reference:
        Liu, Shen and van den Hengel, arXiv 1510.00921: a convolutional layer trained on top of
        the grid as guidance. The auxiliary classifier is this project's.

    Example:

    >>> features = np.random.rand(8, 3, 3, 4).astype("float32")
    >>> layer = keras.layers.Conv2D(2, 3, padding="same", activation="relu")
    >>> loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    >>> from keras_crosspool.config.guidance_config import GuidanceConfig
    >>> options = GuidanceConfig(guidance_epochs=2)
    >>> history = train_guidance(layer, features, np.eye(2)[[0, 1] * 4], loss, options)
    >>> len(history["loss"])
    2
    """
    if not options.guidance_epochs:
        return {}
    keras.utils.set_random_seed(options.seed)
    classifier = keras.Sequential(
        [
            layer,
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dropout(_DROPOUT),
            keras.layers.Dense(targets.shape[1]),
        ]
    )
    # Features of unit scale, so that one learning rate suits every backbone.
    scale = float(features.std())
    steps = -(-len(features) // options.batch_size) * options.guidance_epochs
    rate = keras.optimizers.schedules.CosineDecay(options.guidance_rate, steps)
    classifier.compile(keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY), loss)
    done = classifier.fit(
        features / scale,
        targets,
        batch_size=options.batch_size,
        epochs=options.guidance_epochs,
        callbacks=[keras.callbacks.TerminateOnNaN()],
        verbose=0,  # seconds
    )
    if not np.isfinite(done.history["loss"]).all():
        raise FloatingPointError(
            "The guidance layer diverged: its loss is no longer finite; take a smaller "
            f"`guidance_rate`. Received: guidance_rate={options.guidance_rate}"
        )
    layer.kernel.assign(layer.kernel / scale)
    return done.history
