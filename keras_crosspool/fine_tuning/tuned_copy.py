"""The copy of a model that is trained: made for a strategy and a precision, and compiled."""

import keras

from keras_crosspool.fine_tuning.accumulating_model import AccumulatingModel
from keras_crosspool.fine_tuning.multi_worker_model import MultiWorkerModel
from keras_crosspool.fine_tuning.optimizer import HEAD_LAYERS, make_optimizer
from keras_crosspool.fine_tuning.precision import resolve_compiler
from keras_crosspool.models.zoo import all_layers, with_policy

BATCH_NORMS = ("frozen", "local", "synchronized")


def copy_to_train(model, options, distribution):
    """Copies a model for training; to be called within the scope of the distribution.

    Args:
        model: zoo model.
        options: `FineTuning`.
        distribution: `Distribution`.

    Returns:
        `AccumulatingModel`, or `MultiWorkerModel` for several workers.

    Raises:
        ValueError: if `options.batch_norm` is unknown.
    """
    if options.batch_norm not in BATCH_NORMS:
        raise ValueError(
            f"batch_norm must be one of {', '.join(BATCH_NORMS)}. Received: {options.batch_norm!r}"
        )
    copy = with_policy(model, options.precision)
    for layer in _batch_norms(copy):
        layer.synchronized = options.batch_norm == "synchronized"
    kind = MultiWorkerModel if distribution.size > 1 else AccumulatingModel
    copy = kind(copy.input, copy.output, name=copy.name)
    copy.gradient_accumulation = options.gradient_accumulation
    return copy


def compile_phase(model, task, phase, steps, options, distribution):
    """Freezes what a phase leaves alone and compiles; to be called within the scope.

    Args:
        model: what `copy_to_train` gives.
        task: of the training split.
        phase: has `epochs`, and `frozen`, whether the head alone is trained.
        steps: int, of an epoch.
        options: `FineTuning`.
        distribution: `Distribution`.

    Raises:
        ValueError: if options do not go together.
    """
    for layer in model.layers:
        layer.trainable = not phase.frozen or layer.name.endswith(HEAD_LAYERS)
    for layer in _batch_norms(model):
        layer.trainable = layer.trainable and options.batch_norm != "frozen"
    model.compile(
        optimizer=make_optimizer(model, phase, steps, options),
        loss=task.loss(options.label_smoothing),
        weighted_metrics=task.tuning_metrics(model.output_shape[-1]),
        jit_compile=resolve_compiler(options.jit_compile, distribution)[0],
    )
    model.optimizer.build(model.trainable_variables)


def _batch_norms(model):
    layers = all_layers(model)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
