"""The model that a network is tuned through: its layers under a small head that is dropped after.

A head of tens of thousands of values fits the training images whatever the features are, so they
learn nothing from it. A small one has to find its classes in the features; the classifier is solved
on them afterwards.
"""

import keras

from keras_crosspool import graphs
from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from keras_crosspool.fine_tuning.scaled_dense import ScaledDense
from keras_crosspool.models.average_branch import AverageBranch
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.compact_branch import CompactBranch
from keras_crosspool.models.window_branch import WindowBranch

_CHANNELS, _GUIDANCE_CHANNELS = 128, 64
_SCALE = 30.0  # of descriptors of unit length
_SHARE_OF_SIDE = 7 / 9  # random crops show things larger than whole images do


def tune_network(model, train, validation, options, distribution=ONE_DEVICE, checkpoints=None):
    """Tunes the network of a classifier through a small head; its own head stays as it is.

    The network's weights end between those it had and the tuned ones, at `options.tuned_share` of
    the way. The tuned ones alone fit the head that is dropped, and have lost more of what else
    the network knew. Region grids beside windows have a network of their own, which stays.

    Args:
        model: `CrossPoolClassifier`.
        train: `Split` or `ArrayImages`.
        validation: likewise, or `None`.
        options: `FineTuningConfig`.
        distribution: `Distribution`. Defaults to one device.
        checkpoints: as `fine_tune` takes them. Defaults to none.

    Returns:
        As `fine_tune`, of the small head.

    Raises:
        FloatingPointError, InterruptedTrainingError, ValueError: as `fine_tune`.

    Reference:
        Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models", CVPR 2022, section 3 (weights
        between those before and after).
    """
    size = options.tuning_size or round(_SHARE_OF_SIDE * model.image_size)
    tuned, before = tuning_model(model, size, options), model.backbone.get_weights()
    found = fine_tune(tuned, train, validation, size, options, distribution, checkpoints)
    mix_weights(model, before, options.tuned_share)
    return found


def mix_weights(model, before, tuned_share):
    """Moves the network of a tuned classifier towards the weights it had before.

    Args:
        model: `CrossPoolClassifier`, its network tuned.
        before: list of arrays, `model.backbone.get_weights()` from before.
        tuned_share: float, of the tuned weights in the mixed ones.
    """
    tuned = model.backbone.get_weights()
    pairs = zip(before, tuned, strict=True)
    mixed = [old + tuned_share * (new - old) for old, new in pairs]
    model.backbone.set_weights(tuned if tuned_share == 1 else mixed)


def tuning_model(model, image_size, options):
    """Puts a new head on the network of a classifier, whose layers it shares.

    Args:
        model: `CrossPoolClassifier`.
        image_size: int, side in pixels of the images that it is tuned on.
        options: `FineTuningConfig`, whose `tuning_head` is `"cross_layer"`, cross-layer pooling of
            128 by 64 trained channels, or `"average"`, the average of the last map.

    Returns:
        `CrossPoolClassifier`; to train it is to train the network of `model`.

    Raises:
        ValueError: if the network has no two maps of the same height and width.

    Example:

    >>> from keras_crosspool.config.fine_tuning_config import FineTuningConfig
    >>> model = CrossPoolClassifier.from_backbone("EfficientNetLite0", num_classes=5)
    >>> tuned = tuning_model(model, image_size=160, options=FineTuningConfig())
    >>> tuned.input_shape, tuned.descriptor.shape, tuned.output_shape
    ((None, 160, 160, 3), (None, 8192), (None, 5))
    >>> tuned.get_layer("head_conv") is model.get_layer("head_conv")
    True
    """
    maps = graphs.at_size(_maps_to_tune(model), image_size, image_size)
    branch, scale = _HEADS[options.tuning_head](*maps.outputs, options.seed)
    classes, dropout = len(model.class_names), options.tuning_dropout
    logits = ScaledDense(classes, scale, dropout, options.seed, name=model.classifier.name)
    return CrossPoolClassifier(
        maps.inputs[0],
        [branch],
        model.class_names,
        model.task,
        logits=logits,
        name=f"{model.name}-tuning",
    )


def _maps_to_tune(model):
    """The network of a classifier up to two maps of equal size: local features and guidance."""
    windows = [branch for branch in model.branches if isinstance(branch, WindowBranch)]
    if windows:
        return keras.Model(model.inputs[0], [windows[0].features, windows[0].source])
    network = model.backbone
    backbone = Backbone.of_network(network)
    maps = [backbone.feature_map(info.layer) for info in backbone.default_feature_maps()]
    return keras.Model(network.inputs[0], maps)


def _cross_layer(features, guidance, seed):
    return CompactBranch.build(features, guidance, _CHANNELS, _GUIDANCE_CHANNELS, seed), _SCALE


def _average(_, guidance, __):
    return AverageBranch.build(guidance, normalized=False), 1.0


_HEADS = {"cross_layer": _cross_layer, "average": _average}
