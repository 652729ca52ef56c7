"""`keras_crosspool.search_pairs`: which two feature maps of a network suit the photographs."""

import dataclasses

from absl import logging

from keras_crosspool.backbones.backbone import Backbone
from keras_crosspool.backbones.feature_maps import spatial_shape
from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.config.option import split_options
from keras_crosspool.config.scheme_config import SchemeConfig
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.data.array_images import labelled_images
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.training_scores import PairScore
from keras_crosspool.sessions import with_sessions
from keras_crosspool.whole_numbers import whole_number

_STRIDES = 2  # of the deepest maps
_SEARCHED = {"features_layer", "guidance_layer", "mirror", "crop_scales"}


def search_pairs(model, x, y=None, *, groups="auto", of_a_stride=3, **options):
    """Compares pairs of feature maps of a network on labelled images.

    Each pair is solved by scheme 1 on whole images, which takes two passes over them, and judged by
    cross-validation across sessions. Pairs are consecutive maps of one size, the last ones of the
    two largest strides of the network; the one that is used by default is among them. Those whose
    windows have fewer values than `feature_channels` are left out.

    Args:
        model: `CrossPoolClassifier`, whose network is searched; it stays as it is.
        x: images, as `CrossPoolClassifier.solve` takes them.
        y: their labels, with images as an array alone.
        groups: the session of each image, as `CrossPoolClassifier.solve` takes them. Defaults to
            `"auto"`.
        of_a_stride: int, pairs of each of the strides at most. Defaults to `3`.
        **options: fields of `SchemeConfig`, `SolverConfig` and `GuidanceConfig` of
            `keras_crosspool.config`, such as `window_size=3`, but for those that the search sets
            itself: the two layers, `mirror` and `crop_scales`.

    Returns:
        tuple of `PairScore`, the one of the lowest log loss first.

    Raises:
        ValueError: if `of_a_stride` is no whole number from 1, the network has no two consecutive
            maps of one size, none of them holds the windows, the images and labels are not as
            expected, there are too few to cross-validate, or an option is not taken.

    Example:

    >>> best = keras_crosspool.search_pairs(model, images, labels)[0]  # doctest: +SKIP
    >>> best.features_layer, best.guidance_layer  # doctest: +SKIP
    ('block7a_project_bn', 'head_conv_activation')
    """
    own = sorted(_SEARCHED & options.keys())
    if own:
        raise ValueError(
            "The search compares layers on whole images and sets these itself: leave them out. "
            f"Received: {', '.join(own)}"
        )
    scheme, solver, guidance = split_options(options, SchemeConfig, SolverConfig, GuidanceConfig)
    images = with_sessions(labelled_images(x, y, model.class_names, model.task), groups)
    backbone = Backbone.of_network(model.backbone)
    return compare_pairs(backbone, HeadSolver(images, solver, guidance), scheme, of_a_stride)


def compare_pairs(backbone, head, scheme, of_a_stride=3):
    """What `search_pairs` does, by a `HeadSolver` of the images and a `SchemeConfig`."""
    of_a_stride = whole_number("of_a_stride", of_a_stride, least=1)
    images = head.images
    solver = dataclasses.replace(head.solver, crop_scales=(1.0,), mirror=False)
    head, found = dataclasses.replace(head, solver=solver), []
    for features, guidance in candidate_pairs(backbone, of_a_stride):
        if not _holds(backbone, features, scheme):
            continue
        layers = {"features_layer": features.layer, "guidance_layer": guidance.layer}
        options = dataclasses.asdict(scheme) | layers
        candidate = CrossPoolClassifier.from_backbone(
            backbone, images.class_names, task=images.task.name, **options
        )
        solved = head.solve([candidate], head.adapt(candidate))[0][0]
        found.append(_pair_score(features, guidance, solved, images))
        logging.info(found[-1].words())
    if not found:
        raise ValueError(
            "No pair of feature maps is large enough: take larger images, smaller windows or fewer "
            f"channels. Received: window_size={scheme.window_size}, "
            f"feature_channels={scheme.feature_channels}"
        )
    return tuple(sorted(found, key=lambda pair: pair.log_loss))


def candidate_pairs(backbone, of_a_stride=3):
    """The pairs of feature maps that are compared.

    Args:
        backbone: `Backbone`.
        of_a_stride: int, pairs of each of the strides at most. Defaults to `3`.

    Returns:
        list of pairs of `FeatureInfo`, the deepest first: the first is the default one.

    Raises:
        ValueError: if no two consecutive maps have the same height and width.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> [features.stride for features, _ in candidate_pairs(backbone, of_a_stride=2)]
    [32, 32, 16, 16]
    """
    backbone.default_feature_maps()  # says what is wrong where there is no pair
    pairs = backbone.pairs()
    strides = sorted({features.stride for features, _ in pairs}, reverse=True)[:_STRIDES]
    return [
        pair
        for stride in strides
        for pair in [pair for pair in pairs if pair[0].stride == stride][:of_a_stride]
    ]


def _holds(backbone, features, scheme):
    """Whether windows of a map are large enough, and have as many values as are kept of them."""
    shape = spatial_shape(backbone.feature_map(features.layer))
    values = scheme.window_size**2 * features.channels
    return min(shape) >= scheme.window_size and values >= scheme.feature_channels


def _pair_score(features, guidance, solved, images):
    if not solved.cross_validated:
        raise ValueError(
            "Pairs of feature maps are compared by cross-validation, which needs two images of "
            f"each class, of two sessions. Received: {images.size} images"
        )
    scores = solved.cross_validated
    names = features.layer, guidance.layer, features.stride
    return PairScore(*names, scores[images.task.metric], scores["log_loss"])
