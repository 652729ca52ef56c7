"""Fine-tuning of a solved model by `model.fit`."""

import dataclasses
import math

import keras

from keras_crosspool.data.pipeline import decoded_pictures
from keras_crosspool.models.zoo import all_layers
from keras_crosspool.training.augmentation import augmentation
from keras_crosspool.training.layerwise_adamw import LayerwiseAdamW

_HEAD_LAYERS = ("regions", "guidance", "pooling", "logits")


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """How a solved model is fine-tuned.

    Attributes:
        epochs: int, epochs of the whole network.
        frozen_epochs: int, epochs of the head alone before that.
        learning_rate: float, peak rate of AdamW, which decays to zero along a cosine.
        classifier_rate: float, the factor on it for the solved classifier.
        label_smoothing: float, share of a target spread over all classes.
        patience: int, epochs without a better validation accuracy (area under the precision-recall
            curves where pictures have several labels) before stopping.
        batch_size: int.
        seed: int, of order and augmentation.
        tensorboard: str, folder for TensorBoard logs, or `None`.
    """

    epochs: int
    frozen_epochs: int = 0
    learning_rate: float = 1e-4
    classifier_rate: float = 0.02
    label_smoothing: float = 0.1
    patience: int = 5
    batch_size: int = 32
    seed: int = 0
    tensorboard: str | None = None


def fine_tune(model, train, validation, image_size, options):
    """Fine-tunes a model in place; BatchNormalization keeps its statistics throughout.

    With a validation split, the weights of the best epoch are kept and training stops early.

    Args:
        model: zoo model, its classifier solved.
        train: `Split`.
        validation: `Split`, or `None`.
        image_size: int, side in pixels.
        options: `FineTuning`.

    Returns:
        dict, metric name to its value after each epoch.
    """
    keras.utils.set_random_seed(options.seed)
    training_batches = _training_batches(train, image_size, options)
    validation_batches = validation and _batches(validation, image_size, options)
    steps = math.ceil(train.size / options.batch_size)
    history = {}
    for epochs, frozen in ((options.frozen_epochs, True), (options.epochs, False)):
        if not epochs:
            continue
        _set_trainable(model, frozen)
        _compile(model, train.task, epochs * steps, options)
        done = model.fit(
            training_batches,
            validation_data=validation_batches,
            epochs=epochs,
            shuffle=False,  # the pipeline does
            callbacks=_callbacks(validation, options),
            verbose="auto",
        )
        _check_finite(done.history["loss"], options)
        for name, values in done.history.items():
            history.setdefault(name, []).extend(float(value) for value in values)
    return history


def _check_finite(losses, options):
    if not all(math.isfinite(loss) for loss in losses):
        raise FloatingPointError(
            "Fine-tuning diverged: the loss is no longer finite; take a smaller --learning_rate. "
            f"Received: learning_rate={options.learning_rate}, losses {losses}"
        )


def _training_batches(split, image_size, options):
    import tensorflow as tf

    augment = augmentation(options.seed)
    pictures = decoded_pictures(split, image_size)
    pictures = pictures.cache().shuffle(split.size, seed=options.seed)
    # One batch after the other: in parallel they would race for the state of the random numbers.
    return (
        pictures.batch(options.batch_size)
        .map(lambda x, y: (augment(tf.cast(x, "float32"), training=True), _targets(split, y)))
        .prefetch(2)
    )


def _batches(split, image_size, options):
    import tensorflow as tf

    return (
        decoded_pictures(split, image_size)
        .batch(options.batch_size)
        .cache()  # as bytes, a quarter of the size
        .map(lambda x, y: (tf.cast(x, "float32"), _targets(split, y)), tf.data.AUTOTUNE)
        .prefetch(2)
    )


def _targets(split, labels):
    return split.task.targets(labels, len(split.class_names))


def _set_trainable(model, backbone_frozen):
    for layer in model.layers:
        layer.trainable = layer.name.endswith(_HEAD_LAYERS) or not backbone_frozen
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _compile(model, task, steps, options):
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=options.learning_rate * 0.1,
        decay_steps=max(1, steps - steps // 20),
        warmup_target=options.learning_rate,
        warmup_steps=max(1, steps // 20),
    )
    model.compile(
        optimizer=LayerwiseAdamW(
            rate, multipliers={"logits": options.classifier_rate}, weight_decay=1e-4
        ),
        loss=task.loss(options.label_smoothing),
        metrics=task.tuning_metrics(model.output_shape[-1]),
    )


def _callbacks(validation, options):
    callbacks = [keras.callbacks.TerminateOnNaN()]
    if validation:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                f"val_{validation.task.tuning_metric}",
                mode="max",
                patience=options.patience,
                restore_best_weights=True,
            )
        )
    if options.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(options.tensorboard))
    return callbacks
