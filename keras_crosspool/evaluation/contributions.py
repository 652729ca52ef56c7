"""Where a decision came from: a class score as an exact sum over positions."""

import numpy as np
from keras import ops


def position_contributions(model, images, classes):
    """Splits class scores of a cross-layer model into what each position contributes.

    The normalisation multiplies each pooled sum by a positive factor, and the limit of the logits
    each score. With the factors held at their values the logit is linear in the positions,

        logit_c = factor_c * (bias_c + sum over positions i of  a_i^T (W_c * scale) x_i) + common

    so the contributions and the rest add up to the logit exactly. The common part, which is the
    same for all classes, says nothing of one of them.

    Args:
        model: `CrossPoolClassifier`.
        images: `(batch, image_size, image_size, 3)`, RGB, 0-255.
        classes: int `(batch, shown)`, the classes to explain for each image.

    Returns:
        `contributions`, a dict from the name of each pooling layer to float32
        `(batch, shown, rows, columns)`, and the rest, float32 `(batch, shown)`: the bias times the
        factor, and the common part.

    Raises:
        ValueError: if the model has no cross-layer pooling.

    Reference:
        This project, from the linearity of the pooling in Liu, Shen and van den Hengel,
        arXiv 1510.00921.

    Example:

    >>> backbone = keras_crosspool.backbones.create_backbone("EfficientNetLite0")
    >>> model = build_model(backbone, num_classes=3, feature_channels=8, guidance_channels=8)
    >>> images = np.random.randint(0, 255, (1, 224, 224, 3)).astype("float32")
    >>> contributions, rest = position_contributions(model, images, np.array([[2]]))
    >>> contributions["pooling"].shape
    (1, 1, 5, 5)
    >>> np.allclose(contributions["pooling"].sum() + rest, model(images)[0, 2], atol=1e-5)
    True
    """
    classifier = model.classifier
    weights = classifier.kernel, classifier.familiarity[:, None]
    kernel = np.concatenate(list(map(ops.convert_to_numpy, weights)), axis=1)
    common = np.full((len(classes), 1), kernel.shape[1] - 1)
    sizes = np.cumsum([branch.descriptor.shape[-1] for branch in model.branches])
    kernels = np.split(kernel, sizes[:-1])
    found = {
        branch.name: branch.contributions(
            model.input, kernel, images, np.concatenate([classes, common], axis=1)
        )
        for branch, kernel in zip(model.branches, kernels, strict=True)
    }
    sums = sum(values.sum(axis=(2, 3)) for values in found.values())
    bias = ops.convert_to_numpy(classifier.bias)[classes]
    inverse_limit = ops.convert_to_numpy(classifier.inverse_limit)
    factor = 1 / (1 + inverse_limit * np.abs(bias + sums[:, :-1]))
    contributions = {
        name: values[:, :-1] * factor[:, :, None, None] for name, values in found.items()
    }
    common = sums[:, -1:] + ops.convert_to_numpy(classifier.familiarity_bias)
    return contributions, bias * factor + common
