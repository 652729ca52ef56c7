"""The explanation of a decision: what the positions contribute adds up to the logit."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import CrossLayerPooling, CrossPoolClassifier, build_model
from keras_crosspool.evaluation import position_contributions
from keras_crosspool.models.limited_dense import LimitedDense
from keras_crosspool.models.pooled_branch import PooledBranch


@pytest.fixture
def limited(solved):
    """The model with a limit of 20 on its logits."""
    model, _ = solved
    before = ops.convert_to_numpy(model.classifier.inverse_limit)
    model.classifier.inverse_limit.assign(0.05)
    yield model
    model.classifier.inverse_limit.assign(before)


def test_contributions_and_the_rest_add_up_to_the_logits(limited, unseen_images):
    model, images = limited, unseen_images[0].astype("float32")
    logits = ops.convert_to_numpy(model(images))
    classes = np.tile(np.arange(3), (len(images), 1))
    contributions, rest = position_contributions(model, images, classes)
    assert list(contributions) == ["pooling"]
    contributions = contributions["pooling"]
    assert contributions.shape == (12, 3, 2, 2)
    assert np.ptp(contributions, axis=(2, 3)).min() > 0
    np.testing.assert_allclose(contributions.sum(axis=(2, 3)) + rest, logits, rtol=1e-3, atol=1e-3)
    _, of_class, _, familiarity, familiarity_bias = model.classifier.get_weights()
    descriptors = keras.Model(model.input, model.classifier.input).predict(images, verbose=0)
    common = (descriptors @ familiarity + familiarity_bias)[:, None]
    assert np.ptp(common) > 0.1
    factor = 1 - 0.05 * np.abs(logits - common)  # of the limit, held at its value
    np.testing.assert_allclose(rest, factor * of_class + common, rtol=1e-3, atol=1e-3)


def test_each_position_contributes_its_own_product(solved, unseen_images):
    model, _ = solved
    images, classes = unseen_images[0][:2].astype("float32"), np.array([[2, 0], [1, 2]])
    contributions, _ = position_contributions(model, images, classes)
    pooling = model.get_layer("pooling")
    maps = keras.Model(model.input, pooling.input)(images)
    features, guidance = (ops.convert_to_numpy(x).astype("float64") for x in maps)
    kernel, bias, inverse_limit, *_ = model.get_layer("logits").get_weights()
    dims = features.shape[-1]
    for b in range(2):
        sums = np.einsum("hwk,hwd->kd", guidance[b], features[b]).ravel()
        # The descriptor is sign(s) sqrt|s| / sqrt(sum|s|): so s times a factor, held at its value.
        factor = 1 / np.sqrt(np.abs(sums) * np.abs(sums).sum() + 1e-7)
        for shown, i, j in np.ndindex(2, 2, 2):
            label = classes[b, shown]
            weights = kernel[:, label] * factor
            limited = 1 + inverse_limit * abs(sums @ weights + bias[label])  # likewise
            position = sum(
                guidance[b, i, j, k] * (weights[k * dims : (k + 1) * dims] @ features[b, i, j])
                for k in range(guidance.shape[-1])
            )
            value = contributions["pooling"][b, shown, i, j]
            np.testing.assert_allclose(value, position / limited, rtol=1e-3, atol=1e-3)


class _Pooled(PooledBranch):
    """Cross-layer pooling of two inputs."""

    def __init__(self, pooling, pooled, descriptor):
        self.pooling, self.pooled, self.descriptor = pooling, pooled, descriptor

    layers = roles = restore = baseline_maps = None


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("block", [False, True])
def test_holds_for_every_normalisation_and_format(block, data_format):
    shapes = [(5, 4, 3), (5, 4, 6)]
    rng = np.random.default_rng(0)
    if data_format == "channels_first":
        shapes = [(c, h, w) for h, w, c in shapes]
    inputs = [keras.Input(shape) for shape in shapes]
    for root, norm in ((True, True), (True, False), (False, True), (False, False)):
        pooling = CrossLayerPooling(block, root, norm, data_format=data_format, name="pooling")
        branch = _Pooled(pooling, inputs, pooling(inputs))
        logits = LimitedDense(4, bias_initializer="normal", name="logits")
        model = CrossPoolClassifier(inputs, [branch], list("abcd"), logits=logits)
        maps = [rng.normal(size=(2, *shape)).astype("float32") for shape in shapes]
        contributions, bias = position_contributions(model, maps, np.array([[3], [0]]))
        contributions = contributions["pooling"]
        assert contributions.shape == (2, 1, 5, 4)
        expected = ops.convert_to_numpy(model(maps))[[0, 1], [3, 0]]
        np.testing.assert_allclose(
            (contributions.sum(axis=(2, 3)) + bias)[:, 0], expected, rtol=1e-3, atol=1e-4
        )


def test_contributions_of_several_branches_add_up(backbone):
    keras.utils.set_random_seed(0)
    options = {"feature_channels": 8, "guidance_channels": 8, "grid_guidance_channels": 4}
    model = build_model(backbone, 3, "both", window_size=2, region_size=64, **options)
    images = np.random.default_rng(0).uniform(0, 255, (2, 128, 128, 3)).astype("float32")
    contributions, bias = position_contributions(model, images, np.array([[2], [0]]))
    assert {name: maps.shape for name, maps in contributions.items()} == {
        "pooling": (2, 1, 3, 3),
        "grid_pooling": (2, 1, 7, 7),
    }
    total = sum(maps.sum(axis=(2, 3)) for maps in contributions.values()) + bias
    logits = ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(total[:, 0], logits[[0, 1], [2, 0]], rtol=1e-3, atol=1e-4)


def test_the_baseline_has_no_positions(backbone):
    model = build_model(backbone, 2, scheme="global_average")
    with pytest.raises(ValueError, match=r"another scheme\. Received: .*average_norm"):
        position_contributions(model, np.zeros((1, 128, 128, 3)), np.array([[0]]))
