"""`keras_crosspool.compress`: scheme 1 with a shorter descriptor, chosen by its classifier."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.compressed_model import CompressedModel
from keras_crosspool.closed_form.fit import solve_models
from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.config.option import split_options
from keras_crosspool.config.scheme_config import SchemeConfig
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.data.array_images import labelled_images
from keras_crosspool.models.branch import channel_axis
from keras_crosspool.models.window_branch import WindowBranch
from keras_crosspool.numerics.kernel_directions import leading_features, leading_guidance
from keras_crosspool.sessions import with_sessions
from keras_crosspool.whole_numbers import whole_number

FEATURE_CHANNELS, GUIDANCE_CHANNELS = 32, 128  # 4096 values


def compress(
    model,
    x,
    y=None,
    *,
    report,
    groups="auto",
    feature_channels=FEATURE_CHANNELS,
    guidance_channels=GUIDANCE_CHANNELS,
    **options,
):
    """Makes a classifier of scheme 1 with a descriptor many times shorter, and solves it.

    The weights of the solved classifier tell which directions of the projected windows and which
    guidance channels it uses. The windows' convolution is folded onto these directions, the other
    channels are left out, and the classifier is solved again on what remains: 4096 values in place
    of 65,536, by default.

    Alpha is chosen anew by cross-validation: that of the long descriptor loses much where the rows
    are about as many as the values. The calibration stays: the labels chose the projection, so
    held-out scores on these images would flatter. A training run with a validation split calibrates
    on that.

    Args:
        model: solved `CrossPoolClassifier` of scheme 1; it stays as it is.
        x: the images that it was solved on, as `CrossPoolClassifier.solve` takes them.
        y: their labels, with images as an array alone.
        report: `SolveReport` that `solve` gave.
        groups: the session of each image, as `CrossPoolClassifier.solve` takes them. Defaults to
            `"auto"`.
        feature_channels: int, directions of the windows that are kept. Defaults to `32`.
        guidance_channels: int, guidance channels that are kept. Defaults to `128`.
        **options: fields of `SolverConfig` and `GuidanceConfig` of `keras_crosspool.config`; give
            those again that `solve` was given.

    Returns:
        `CrossPoolClassifier`, which shares the network of `model`.

    Raises:
        ValueError: if the model has another scheme or fewer channels, or the images and labels are
            not as expected.

    Reference:
        Liu, Shen and van den Hengel, arXiv 1510.00921, scheme 1; that the classifier chooses the
        projection is this project's choice.

    Example:

    >>> report = model.solve(images, labels)  # doctest: +SKIP
    >>> small = compress(model, images, labels, report=report)  # doctest: +SKIP
    >>> model.descriptor.shape, small.descriptor.shape  # doctest: +SKIP
    ((None, 65536), (None, 4096))
    """
    solver, guidance = split_options(options, SolverConfig, GuidanceConfig)
    images = with_sessions(labelled_images(x, y, model.class_names, model.task), groups)
    head = HeadSolver(images, solver, guidance)
    return compressed(model, head, report.choice, feature_channels, guidance_channels).model


def compressed(
    model,
    head,
    choice,
    feature_channels=FEATURE_CHANNELS,
    guidance_channels=GUIDANCE_CHANNELS,
):
    """What `compress` does, by a `HeadSolver` of the images and the `Choice` of the model.

    Returns:
        `CompressedModel`.
    """
    branch = _only_windows(model)
    _check_channels(branch, feature_channels, guidance_channels)
    small = _shortened(model, branch, feature_channels, guidance_channels)
    (solved,), descriptors = head.solve([small], {})
    alpha = solved.alpha if solved.validation else choice.alpha
    kept = dataclasses.replace(choice, alpha=alpha)
    solve_models([small], descriptors, head.solver.method, kept=[kept])
    small.thresholds = model.thresholds
    return CompressedModel(small, alpha)


def _only_windows(model):
    """The branch of scheme 1, if the model has no other."""
    if len(model.branches) == 1 and isinstance(model.branches[0], WindowBranch):
        return model.branches[0]
    kinds = ", ".join(type(branch).__name__ for branch in model.branches)
    raise ValueError(
        "`compress` shortens the descriptor of scheme 1: build the model with "
        f'`scheme="scheme1"`. Received: a model of {kinds}'
    )


def _channels(branch):
    """Guidance and features that the branch pools, in the order of its descriptor."""
    _, guidance = branch.pooled
    return guidance.shape[channel_axis()], branch.windows.filters


def _check_channels(branch, features, guidance):
    whole_number("feature_channels", features)
    whole_number("guidance_channels", guidance)
    most_guidance, most_features = _channels(branch)
    if not (1 <= features <= most_features and 1 <= guidance <= most_guidance):
        raise ValueError(
            f"The model pools {most_features} feature channels with {most_guidance} guidance "
            "channels: keep at least one of each, and no more than there are. Received: "
            f"feature_channels={features}, guidance_channels={guidance}"
        )


def _shortened(model, branch, features, guidance):
    """The model on a branch of fewer channels, whose classifier is not solved yet."""
    kernel = np.asarray(model.classifier.kernel).reshape(*_channels(branch), -1)
    directions = leading_features(kernel, features).astype("float32")
    kept = leading_guidance(kernel, guidance)
    scheme = SchemeConfig(
        feature_channels=features,
        guidance_channels=guidance,
        window_size=branch.windows.kernel_size[0],
    )
    short = WindowBranch.build(branch.features, branch.source, scheme)
    small = model.on_branches([short], f"{model.name}-compressed")
    short.windows.set_weights([weight @ directions for weight in branch.windows.get_weights()])
    if short.selection is not None:
        short.selection.set_weights([_selection(branch)[..., kept]])
    return small


def _selection(branch):
    """The kernel that selects the guidance of a branch."""
    if branch.selection is not None:
        return branch.selection.get_weights()[0]
    return np.eye(_channels(branch)[0], dtype="float32")[None, None]
