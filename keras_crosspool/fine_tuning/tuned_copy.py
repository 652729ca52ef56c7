"""The copy of a model that is trained: made for a strategy and a precision, and compiled."""

import dataclasses

import keras

from keras_crosspool.fine_tuning.accumulating_model import AccumulatingModel
from keras_crosspool.fine_tuning.multi_worker_model import MultiWorkerModel
from keras_crosspool.fine_tuning.optimizer import make_optimizer
from keras_crosspool.fine_tuning.precision import resolve_compiler
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.policy import all_layers, with_policy


@dataclasses.dataclass(frozen=True)
class TunedCopy:
    """A copy of a classifier that is trained, and the model that trains it.

    Attributes:
        classifier: `CrossPoolClassifier`, which knows the structure.
        model: `AccumulatingModel`, or `MultiWorkerModel` for several workers, of the same layers.
    """

    classifier: CrossPoolClassifier
    model: keras.Model


def copy_to_train(model, options, distribution):
    """Copies a model for training; to be called within the scope of the distribution.

    Args:
        model: `CrossPoolClassifier`.
        options: `FineTuningConfig`.
        distribution: `Distribution`.

    Returns:
        `TunedCopy`.
    """
    copy = with_policy(model, options.precision)
    for layer in _batch_norms(copy):
        layer.synchronized = options.batch_norm == "synchronized"
    kind = MultiWorkerModel if distribution.size > 1 else AccumulatingModel
    model = kind(copy.input, copy.output, name=copy.name)
    model.gradient_accumulation = options.gradient_accumulation
    return TunedCopy(copy, model)


def compile_phase(copy, task, phase, steps, options, distribution):
    """Freezes what a phase leaves alone and compiles; to be called within the scope.

    Args:
        copy: `TunedCopy`.
        task: of the training split.
        phase: has `epochs`, and `frozen`, whether the head alone is trained.
        steps: int, of an epoch.
        options: `FineTuningConfig`.
        distribution: `Distribution`.

    Raises:
        ValueError: if options do not go together.
    """
    model, head = copy.model, set(map(id, copy.classifier.head_layers))
    for layer in model.layers:
        layer.trainable = not phase.frozen or id(layer) in head
    for layer in _batch_norms(model):
        layer.trainable = layer.trainable and options.batch_norm != "frozen"
    model.compile(
        optimizer=make_optimizer(copy.classifier, phase, steps, options),
        loss=task.loss(options.label_smoothing),
        weighted_metrics=task.tuning_metrics(model.output_shape[-1]),
        jit_compile=resolve_compiler(options.jit_compile, distribution)[0],
    )
    model.optimizer.build(model.trainable_variables)


def _batch_norms(model):
    layers = all_layers(model)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
