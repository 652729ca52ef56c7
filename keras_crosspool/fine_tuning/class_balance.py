"""How much an image counts by how common its class is."""

import numpy as np

from keras_crosspool.config.fine_tuning_config import CLASS_BALANCES

_BETA = 0.99


def class_weights(split, balance="none"):
    """The weight of each class in the loss, on average one over the images.

    Args:
        split: `Split` of training images, of one class each.
        balance: str, `"none"`; `"inverse"`, one over the images of the class; or `"effective"`,
            one over its effective number of images, which grows ever slower with their number,
            as further images of a class show less that is new. Defaults to `"none"`.

    Returns:
        float64 `(num_classes,)`, zero for a class without images; `None` for `"none"`.

    Raises:
        ValueError: if the balance is unknown, or images have several labels.

    Reference:
        Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, eq. 3,
        with beta 0.99, which suits classes of tens to hundreds of images.
    """
    if balance not in CLASS_BALANCES:
        raise ValueError(
            f"class_balance must be one of {', '.join(CLASS_BALANCES)}. Received: {balance!r}"
        )
    if balance == "none":
        return None
    if split.labels.ndim > 1:
        raise ValueError(
            "Classes are balanced where each image has one: take `class_balance=none` for "
            f"images of several labels. Received: class_balance={balance!r}"
        )
    counts = np.bincount(split.labels, minlength=len(split.class_names)).astype("float64")
    numbers = counts if balance == "inverse" else (1 - _BETA**counts) / (1 - _BETA)
    weights = np.divide(1, numbers, out=np.zeros_like(numbers), where=counts > 0)
    return weights * counts.sum() / (weights * counts).sum()
