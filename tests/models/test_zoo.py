"""build_model: the layers in their order, and what the descriptor holds."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import CrossLayerPooling, LocalRegions, build_model
from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import load_images, open_split
from keras_crosspool.models.average_branch import AverageBranch
from keras_crosspool.models.policy import all_layers, network_with_policy, with_policy


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, 128, 128, 3)).astype("float32")


def _maps(backbone, images):
    info = backbone.default_feature_maps()
    maps = backbone.extractor([i.layer for i in info])(images)
    return [ops.convert_to_numpy(maps[i.layer]) for i in info]


def _signed_root_and_norm(sums):
    rooted = np.sign(sums) * np.sqrt(np.abs(sums))
    return rooted / np.linalg.norm(rooted, axis=1, keepdims=True)


@pytest.mark.parametrize(("window", "guidance_channels"), [(1, 24), (2, 24), (3, 2000)])
def test_cross_layer_descriptor(
    backbone, images, windows_by_loops, pool_by_loops, window, guidance_channels
):
    model = build_model(
        backbone,
        5,
        window_size=window,
        feature_channels=6,
        guidance_channels=guidance_channels,
    )
    features, guidance = _maps(backbone, images)
    cells = 4 - window + 1
    channels = min(guidance_channels, 1280)
    regions = model.get_layer("regions")
    assert isinstance(regions, LocalRegions)
    assert model.output_shape == (None, 5)
    assert model.get_layer("pooling").output.shape == (None, 6 * channels)
    # A map with no more channels than allowed is taken as it is.
    assert ("guidance" in {layer.name for layer in model.layers}) == (guidance_channels < 1280)
    kernel, bias = regions.get_weights()
    windows = windows_by_loops(features, window, window).reshape(2, cells, cells, -1)
    projected = windows @ kernel.reshape(-1, 6) + bias
    start = (window - 1) // 2
    centres = guidance[:, start : start + cells, start : start + cells, :channels]
    descriptor = keras.Model(model.input, model.descriptor)(images)
    expected = pool_by_loops(projected, centres)
    np.testing.assert_allclose(descriptor, expected, rtol=1e-3, atol=1e-4)
    kernel, bias, *_ = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(model(images), expected @ kernel + bias, rtol=1e-3, atol=1e-4)


def test_earlier_maps_are_the_last_larger_ones_of_one_size(
    backbone, images, windows_by_loops, pool_by_loops
):
    model = build_model(
        backbone,
        5,
        scheme="scheme1+scheme1_earlier",
        window_size=2,
        feature_channels=6,
        guidance_channels=24,
    )
    last = build_model(backbone, 5, window_size=2, feature_channels=6, guidance_channels=24)
    last.get_layer("regions").set_weights(model.get_layer("regions").get_weights())
    names = ["block5c_add", "block6a_expand_activation"]
    maps = backbone.extractor(names)(images)
    features, guidance = (ops.convert_to_numpy(maps[name]) for name in names)
    assert features.shape[1:3] == (8, 8)
    kernel, bias = model.get_layer("scheme1_earlier_regions").get_weights()
    windows = windows_by_loops(features, 2, 2).reshape(2, 7, 7, -1)
    projected = windows @ kernel.reshape(-1, 6) + bias
    earlier = pool_by_loops(projected, guidance[:, :7, :7, :24])
    descriptor = model.compute_descriptors(images)
    np.testing.assert_allclose(descriptor[:, 144:], earlier, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        descriptor[:, :144], last.compute_descriptors(images), rtol=1e-4, atol=1e-5
    )
    alone = build_model(backbone, 5, scheme="scheme1_earlier", feature_channels=6)
    assert [branch.name for branch in alone.branches] == ["scheme1_earlier_pooling"]


def test_a_network_without_larger_maps_has_no_earlier_pair():
    image = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(4, 8, strides=8, activation="relu", name="one")(image)
    x = keras.layers.Conv2D(4, 1, activation="relu", name="two")(x)
    network = keras.Model(image, x, name="flat")
    with pytest.raises(ValueError, match=r"in flat, larger than the 8 x 8 positions of one\. Rec"):
        build_model(network, 2, scheme="scheme1_earlier", feature_channels=2)


def test_global_average_descriptor(backbone, images):
    model = build_model(backbone, 3, scheme="global_average")
    _, guidance = _maps(backbone, images)
    expected = _signed_root_and_norm(guidance.mean(axis=(1, 2)))
    descriptor = model.compute_descriptors(images)
    np.testing.assert_allclose(descriptor, expected, rtol=1e-3, atol=1e-5)
    assert model.output_shape == (None, 3)


def test_models_share_the_backbones_weights(backbone):
    first, second = build_model(backbone, 2), build_model(backbone, 3, scheme="global_average")
    assert first.get_layer("stem_conv") is second.get_layer("stem_conv")


def test_layers_can_be_chosen(backbone, images):
    model = build_model(
        backbone,
        2,
        window_size=1,
        feature_channels=4,
        features_layer="head_bn",
        guidance_layer="head_activation",
        guidance_channels=8,
    )
    assert model.get_layer("regions").input.shape[-1] == 1280
    assert np.isfinite(ops.convert_to_numpy(model(images))).all()


def test_bad_input_is_named(backbone):
    with pytest.raises(ValueError, match=r"one of scheme1, .*region_average.*Received: 'mean'"):
        build_model(backbone, 2, scheme="mean")
    with pytest.raises(ValueError, match=r"4 x 4 cells .*5 x 5.* 160 px .*image_size=128"):
        build_model(backbone, 2, window_size=5)
    with pytest.raises(ValueError, match=r"no layer of this name.*Received: 'block99'"):
        build_model(backbone, 2, features_layer="block99")
    # Layers of one's own choice may lie on different grids.
    with pytest.raises(ValueError, match="different grids"):
        build_model(backbone, 2, features_layer="stem_activation")


def test_the_advised_image_size_is_large_enough():
    small = create_backbone("EfficientNetLite0", 64, weights="none")
    with pytest.raises(ValueError, match="about 96 px"):
        build_model(small, 2)
    build_model(create_backbone("EfficientNetLite0", 96, weights="none"), 2)


@pytest.fixture(scope="module")
def photographs(tiny_folder):
    return load_images(open_split(tiny_folder, "test"), 128, limit=6)[0].astype("float32")


def _in_float32(model):
    return {layer.name for layer in all_layers(model) if layer.compute_dtype == "float32"}


def _compare_policies(model, photographs, policy, tolerance):
    half, full = (with_policy(model, name) for name in (policy, "float32"))
    expected = model.predict(photographs, verbose=0)
    np.testing.assert_array_equal(full.predict(photographs, verbose=0), expected)
    logits = half.predict(photographs, verbose=0)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=tolerance * np.abs(expected).max())
    assert not np.array_equal(logits, expected)
    assert {weight.dtype for weight in half.weights} == {"float32"}
    # What one does not share with the other: training one leaves the other alone.
    shared = {id(weight) for weight in half.weights} & {id(weight) for weight in model.weights}
    assert not shared
    return half


def test_half_precision_agrees(backbone, photographs):
    model = build_model(backbone, 5, feature_channels=6, guidance_channels=24)
    half = _compare_policies(model, photographs, "mixed_float16", 0.02)
    assert _in_float32(half) == {"image", "logits"}


def test_half_precision_within_a_region_grid(backbone, photographs):
    options = {"region_size": 64, "region_stride": 32, "region_mode": "shared"}
    model = build_model(backbone, 5, "region_average", **options)
    half = _compare_policies(model, photographs, "mixed_float16", 0.02)
    averages = {f"region_average_{step}" for step in ("pooling", "norm")}
    assert _in_float32(half) == {"image", "logits"} | averages


def test_averages_of_nothing_stay_finite_in_half_precision():
    """The norm of an image in which no channel is active has nothing to divide by."""
    maps = keras.Input((4, 4, 8))
    branch = AverageBranch.build(maps)
    float32 = {layer.name for layer in branch.float32_layers}
    network = keras.Model(maps, branch.descriptor)
    model = network_with_policy(network, "mixed_float16", float32)
    assert (model.predict(np.zeros((1, 4, 4, 8), "float32"), verbose=0) == 0).all()


def test_half_precision_of_a_network_with_operations(photographs):
    """Keras Applications' own preprocessing is none of layers: VGG16 takes BGR."""
    backbone = create_backbone("VGG16", 64, weights="none")
    model = build_model(backbone, 3, feature_channels=4, guidance_channels=8)
    _compare_policies(model, photographs[:, :64, :64], "mixed_float16", 0.02)


def test_sums_are_too_large_for_half_precision_and_stay_finite():
    maps = keras.Input((14, 14, 4))
    model = keras.Model(maps, CrossLayerPooling(name="pooling")([maps, maps]))
    half = network_with_policy(model, "mixed_float16")
    values = np.full((1, 14, 14, 4), 100, "float32")  # sums of 1,960,000, beyond 65,504
    np.testing.assert_allclose(half.predict(values, verbose=0), 0.25, rtol=1e-3)
