"""The optimizer of fine-tuning: rates by layer, late starts, averages, loss scale."""

import keras

from keras_crosspool.fine_tuning.layerwise_adamw import LayerwiseAdamW
from keras_crosspool.layers.region_grid import RegionGrid
from keras_crosspool.models.policy import all_layers

_WEIGHT_DECAY = 0.02


def make_optimizer(model, phase, steps, options):
    """AdamW for one phase of fine-tuning, its rate rising for half an epoch and then decaying.

    Args:
        model: `CrossPoolClassifier`, its layers frozen as the phase wants.
        phase: has `epochs`, and `frozen`, whether the head alone is trained.
        steps: int, of an epoch.
        options: `FineTuningConfig`.

    Returns:
        `LayerwiseAdamW`, within a `LossScaleOptimizer` for `mixed_float16`.

    Raises:
        ValueError: if options are out of range.
    """
    _check(options)
    total, warmup = phase.epochs * steps, max(1, steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=options.peak_rate * 0.1,
        decay_steps=max(1, total - warmup),
        warmup_target=options.peak_rate,
        warmup_steps=warmup,
    )
    depths = {} if phase.frozen else backbone_depths(model)
    multipliers = {name: options.first_layer_rate**depth for name, depth in depths.items()}
    unfreeze_steps = options.unfreeze_epochs * steps
    optimizer = LayerwiseAdamW(
        rate,
        multipliers={**multipliers, model.classifier.name: options.classifier_rate},
        starts={name: round(depth * unfreeze_steps) for name, depth in depths.items()},
        weight_decay=_WEIGHT_DECAY,
        global_clipnorm=options.clip_norm,
        use_ema=options.ema_momentum is not None,
        ema_momentum=options.ema_momentum or 0.99,
    )
    if options.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def backbone_depths(model):
    """How deep below the head each trained layer of the backbone lies.

    Args:
        model: `CrossPoolClassifier`.

    Returns:
        dict, layer name to a float from 0, the last layer of the backbone, to 1, the first one.
    """
    head = set(map(id, model.head_layers))
    names = [
        layer.name
        for layer in all_layers(model)
        if layer.trainable_variables and id(layer) not in head and not isinstance(layer, RegionGrid)
    ]
    names = list(dict.fromkeys(names))  # a region grid's network repeats the backbone's names
    return {name: 1 - index / max(1, len(names) - 1) for index, name in enumerate(names)}


def _check(options):
    if options.unfreeze_epochs > options.epochs:
        raise ValueError(
            "unfreeze_epochs are the first of the epochs of the whole network. Received: "
            f"unfreeze_epochs={options.unfreeze_epochs} of epochs={options.epochs}"
        )
