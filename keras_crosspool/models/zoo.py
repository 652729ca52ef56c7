"""Builds the models of the zoo by name, and the models that one of both schemes contains."""

from keras_crosspool.models.classifier import CrossPoolClassifier


def build_model(backbone, num_classes, scheme="scheme1", **options):
    """Puts the descriptors of a scheme and a linear classifier on a backbone.

    Args:
        backbone: as `CrossPoolClassifier.from_backbone` takes it.
        num_classes: int.
        scheme: str, as there. Defaults to `"scheme1"`.
        **options: further arguments of it.

    Returns:
        A `CrossPoolClassifier`.

    Raises:
        ValueError: as there.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> model = build_model(backbone, num_classes=10, feature_channels=64, guidance_channels=32)
    >>> model.descriptor.shape, model.output_shape
    ((None, 2048), (None, 10))
    """
    return CrossPoolClassifier.from_backbone(
        backbone, num_classes=num_classes, scheme=scheme, **options
    )


def schemes_of_both(model):
    """Scheme 1, scheme 2 and both as classifiers that share the layers of a model of both.

    Args:
        model: `CrossPoolClassifier` of the scheme `"both"`.

    Returns:
        dict, scheme to `CrossPoolClassifier`, each with a last layer of its own.
    """
    windows, regions = model.branches
    parts = {"scheme1": [windows], "scheme2": [regions], "both": [windows, regions]}
    name = model.name.removesuffix("-both")
    return {
        scheme: model.on_branches(branches, f"{name}-{scheme}")
        for scheme, branches in parts.items()
    }
