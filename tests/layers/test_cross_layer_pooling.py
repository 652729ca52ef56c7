"""CrossLayerPooling against the paper's formula, position by position."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import CrossLayerPooling, GuidanceSelection, LocalRegions
from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import load_images, open_split

OPTIONS = list(itertools.product([False, True], repeat=3))


def _maps(shape=(2, 5, 4), dims=3, channels=6, seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(*shape, dims)).astype(dtype)  # negative too, as after PCA
    guidance = np.maximum(rng.normal(size=(*shape, channels)), 0).astype(dtype)
    return features, guidance


@pytest.fixture(scope="module")
def real_maps(grocery):
    """Projected windows and selected guidance of real photographs, as scheme 1 pools them."""
    keras.utils.set_random_seed(0)
    size, channels = 160, 64
    network = create_backbone("EfficientNetLite0", size)
    pixels, _ = load_images(open_split(str(grocery), "test"), size, limit=8)
    names = [choice.layer for choice in network.default_feature_maps()]
    maps = network.extractor(names).predict(pixels.astype("float32"), verbose=0)
    features, guidance = (ops.convert_to_numpy(maps[name]) for name in names)
    regions, selection = LocalRegions(channels), GuidanceSelection(channels)
    regions.adapt([features])
    selection.adapt([guidance])
    pair = regions(features), selection(regions.crop(guidance))
    return [ops.convert_to_numpy(x) for x in pair]


def _layer(block, root, norm, **kwargs):
    return CrossLayerPooling(
        block_normalization=block, signed_square_root=root, l2_normalization=norm, **kwargs
    )


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("block", "root", "norm"), OPTIONS)
def test_formula(pool_by_loops, block, root, norm, data_format):
    features, guidance = _maps()
    expected = pool_by_loops(features, guidance, block, root, norm)
    if data_format == "channels_first":
        features, guidance = (np.moveaxis(x, 3, 1) for x in (features, guidance))
    layer = _layer(block, root, norm, data_format=data_format)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer([features, guidance])), expected, rtol=2e-5, atol=1e-6
    )


def test_each_image_is_pooled_alone():
    features, guidance = _maps(shape=(3, 4, 4))
    together = ops.convert_to_numpy(CrossLayerPooling()([features, guidance]))
    assert not np.allclose(together[0], together[1])
    for b in range(3):
        alone = CrossLayerPooling()([features[b : b + 1], guidance[b : b + 1]])
        np.testing.assert_allclose(ops.convert_to_numpy(alone)[0], together[b], rtol=1e-5)


def test_guidance_major_order():
    features = np.array([[[[1.0, 2.0, 3.0]]]], "float32")
    guidance = np.array([[[[10.0, 100.0]]]], "float32")
    descriptor = _layer(False, False, False)([features, guidance])
    assert ops.convert_to_numpy(descriptor).tolist() == [[10, 20, 30, 100, 200, 300]]


@pytest.mark.parametrize("norm", [False, True])
def test_negative_sums_keep_their_sign(norm):
    features = np.array([[[[4.0, -9.0]]]], "float32")
    guidance = np.ones((1, 1, 1, 1), "float32")
    expected = np.array([[2.0, -3.0]]) / (np.sqrt(13) if norm else 1)
    np.testing.assert_allclose(
        ops.convert_to_numpy(_layer(False, True, norm)([features, guidance])), expected, rtol=1e-5
    )


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize(("block", "root"), list(itertools.product([False, True], repeat=2)))
def test_descriptor_has_unit_norm_at_any_scale(pool_by_loops, block, root, scale):
    features, guidance = _maps()
    maps = [(scale * x).astype("float32") for x in (features, guidance)]
    descriptor = ops.convert_to_numpy(_layer(block, root, True)(maps))
    np.testing.assert_allclose(np.linalg.norm(descriptor, axis=1), 1, rtol=1e-5)
    expected = pool_by_loops(features, guidance, block, root)
    np.testing.assert_allclose(descriptor, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("block", "root"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("dims", [320, 1280])
def test_descriptor_of_one_active_position_has_unit_norm(block, root, dims):
    features, guidance = np.zeros((2, 7, 7, dims), "float32"), np.zeros((2, 7, 7, 64), "float32")
    features[:, 3, 3, 5], guidance[:, 3, 3, 9] = 1.5, [0.3, 300.0]
    descriptor = ops.convert_to_numpy(_layer(block, root, True)([features, guidance]))
    np.testing.assert_allclose(np.linalg.norm(descriptor, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("block", [False, True])
def test_descriptor_of_maps_with_an_outlier_has_unit_norm(pool_by_loops, block):
    features, guidance = _maps()
    features[:, 0, 0, 1] *= 1e3
    guidance[:, 2, 2, 3] *= 1e3
    descriptor = ops.convert_to_numpy(_layer(block, True, True)([features, guidance]))
    expected = pool_by_loops(features, guidance, block)
    np.testing.assert_allclose(np.linalg.norm(descriptor, axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(descriptor, expected, atol=1e-2 / np.sqrt(expected.shape[1]))


@pytest.mark.parametrize(("block", "root", "norm"), OPTIONS)
def test_nothing_stays_exactly_nothing(block, root, norm):
    features, guidance = _maps()
    layer = _layer(block, root, norm)
    assert not ops.convert_to_numpy(layer([0 * features, 0 * guidance])).any()
    guidance[..., 2] = 0
    assert not ops.convert_to_numpy(layer([features, guidance]))[:, 6:9].any()


def test_formula_of_older_models_gives_the_same(real_maps):
    """They hold an epsilon of 1e-7, which was added under the root."""
    features, guidance = (x.astype("float64") for x in real_maps)
    sums = np.einsum("bhwk,bhwd->bkd", guidance, features)
    total = np.abs(sums).sum(axis=(1, 2), keepdims=True)
    assert (np.abs(sums) * total).max() > 1e9  # float16 ends at 65504
    expected = (sums / np.sqrt(np.abs(sums) * total + 1e-7)).reshape(len(sums), -1)
    # The root and its straight line below epsilon are sqrt(epsilon) / 4 apart at most.
    apart = np.sqrt(1e-4 / expected.shape[1]) / 4
    assert apart < 4e-5
    older = CrossLayerPooling.from_config({"epsilon": 1e-7})
    for layer in (older, CrossLayerPooling()):
        np.testing.assert_allclose(
            ops.convert_to_numpy(layer(list(real_maps))), expected, rtol=1e-5, atol=apart
        )


@pytest.mark.parametrize(("block", "root", "norm"), OPTIONS)
def test_scale_turns_the_bare_sums_into_the_descriptor(block, root, norm):
    features, guidance = _maps()
    layer = _layer(block, root, norm)
    pooled = layer.pool([features, guidance])
    assert tuple(pooled.shape) == (2, 6, 3)
    scale = ops.convert_to_numpy(layer.normalization_scale(pooled))
    assert (scale > 0).all()
    descriptor = (ops.convert_to_numpy(pooled) * scale).reshape(2, 18)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer([features, guidance])), descriptor, rtol=1e-6
    )


def _gradients(tf, layer, maps, direction):
    maps = [tf.constant(x) for x in maps]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        descriptor = layer(maps)
        value = tf.reduce_sum(descriptor * tf.cast(direction, descriptor.dtype))
    return [ops.convert_to_numpy(x).astype("float64") for x in tape.gradient(value, maps)]


@pytest.mark.parametrize(("block", "root", "norm"), OPTIONS)
def test_gradient_equals_finite_differences(tf, block, root, norm):
    maps = _maps(shape=(1, 3, 2), dims=2, channels=3, dtype="float64")
    layer = _layer(block, root, norm, dtype="float64")
    direction = np.random.default_rng(1).normal(size=(1, 6))
    gradients = _gradients(tf, layer, maps, direction)
    step = 1e-6
    for which, position in itertools.product((0, 1), np.ndindex(1, 3, 2, 2)):
        values = []
        for sign in (1, -1):
            moved = [x.copy() for x in maps]
            moved[which][position] += sign * step
            values.append(float(np.sum(ops.convert_to_numpy(layer(moved)) * direction)))
        slope = (values[0] - values[1]) / (2 * step)
        np.testing.assert_allclose(gradients[which][position], slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("block", "root", "norm"), OPTIONS)
@pytest.mark.parametrize("dead", ["guidance", "features", "one channel", "everything"])
def test_gradient_is_finite_at_zero(tf, block, root, norm, dead):
    features, guidance = _maps()
    if dead in ("features", "everything"):
        features = np.zeros_like(features)
    if dead in ("guidance", "everything"):
        guidance = np.zeros_like(guidance)
    if dead == "one channel":
        guidance[..., 2] = 0
    layer = _layer(block, root, norm)
    direction = np.random.default_rng(1).normal(size=(2, 18)).astype("float32")
    assert np.isfinite(ops.convert_to_numpy(layer([features, guidance]))).all()
    for gradient in _gradients(tf, layer, (features, guidance), direction):
        assert np.isfinite(gradient).all()
        # A dead map is not divided by next to nothing: a norm multiplies by 128 at most, and so
        # does a root.
        if dead != "one channel":
            bound = 128.0 ** (block + (root or norm)) * np.abs(direction).sum()
            assert np.abs(gradient).max() <= bound * max(1, np.abs(features).max())


@pytest.mark.parametrize(("block", "root", "norm"), OPTIONS)
def test_gradient_is_bounded_near_zero(tf, block, root, norm):
    # The slope of a plain square root would be 5e11 here, and that of a norm 1e24. What is divided
    # by is 2**-14 or more: once for the maps, then for each norm; a root multiplies by 128 at most.
    features, guidance = _maps()
    direction = np.random.default_rng(1).normal(size=(2, 18)).astype("float32")
    maps = (1e-24 * features, guidance)
    gradient, _ = _gradients(tf, _layer(block, root, norm), maps, direction)
    norms = block + norm
    steepest = (2.0**14) ** (norms + (norms > 0)) * 128.0 ** (norms + root)
    bound = np.abs(guidance).max() * np.abs(direction).sum()
    assert 0 < np.abs(gradient).max() < bound * steepest


def test_half_precision_gradients_of_real_images(tf, real_maps):
    """With a scaled loss they are those of float32."""
    maps = [x.astype("float16") for x in real_maps]
    size = maps[0].shape[-1] * maps[1].shape[-1]
    direction = np.random.default_rng(1).normal(size=(len(maps[0]), size))
    loss_scale = 2.0**10
    scaled = _gradients(tf, CrossLayerPooling(dtype="mixed_float16"), maps, loss_scale * direction)
    exact = _gradients(tf, CrossLayerPooling(), [x.astype("float32") for x in maps], direction)
    for found, expected in zip(scaled, exact, strict=True):
        assert np.isfinite(found).all()
        error = np.linalg.norm(found / loss_scale - expected) / np.linalg.norm(expected)
        assert error < 2e-3


@pytest.mark.parametrize("grid", [(7, 7), (4, 9), (1, 1)])
def test_height_and_width_may_be_unknown(pool_by_loops, grid):
    inputs = [keras.Input((None, None, 3)), keras.Input((None, None, 6))]
    model = keras.Model(inputs, CrossLayerPooling()(inputs))
    assert model.output_shape == (None, 18)
    features, guidance = _maps(shape=(2, *grid))
    guidance = guidance + 0.1  # no image without any guidance
    descriptor = model.predict([features, guidance], verbose=0)
    np.testing.assert_allclose(descriptor, pool_by_loops(features, guidance), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("sizes", [(5, 4), (None, None), (5, None)])
def test_symbolic_shape(data_format, sizes):
    first = data_format == "channels_first"
    shapes = [(3, *sizes), (6, *sizes)] if first else [(*sizes, 3), (*sizes, 6)]
    inputs = [keras.Input(shape) for shape in shapes]
    layer = CrossLayerPooling(data_format=data_format)
    assert layer(inputs).shape == (None, 18)
    assert layer.compute_output_shape([(8, *shape) for shape in shapes]) == (8, 18)


def _bilinear(maps, height, width):
    """Bilinear resize by its definition: half-pixel centres, edges held."""
    resized = np.zeros((len(maps), height, width, maps.shape[-1]))
    for i, j in np.ndindex(height, width):
        y = np.clip((i + 0.5) * maps.shape[1] / height - 0.5, 0, maps.shape[1] - 1)
        x = np.clip((j + 0.5) * maps.shape[2] / width - 0.5, 0, maps.shape[2] - 1)
        top, left = int(y), int(x)
        down, right = min(top + 1, maps.shape[1] - 1), min(left + 1, maps.shape[2] - 1)
        upper = maps[:, top, left] * (1 - (x - left)) + maps[:, top, right] * (x - left)
        lower = maps[:, down, left] * (1 - (x - left)) + maps[:, down, right] * (x - left)
        resized[:, i, j] = upper * (1 - (y - top)) + lower * (y - top)
    return resized


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("resize", ["guidance", "features"])
def test_resize_brings_one_map_to_the_other_grid(pool_by_loops, resize, dynamic, data_format):
    features, guidance = _maps(shape=(2, 6, 4))[0], _maps(shape=(2, 3, 2))[1]
    if resize == "guidance":
        expected = pool_by_loops(features, _bilinear(guidance, 6, 4))
    else:
        # Enlarging the other map keeps clear of how much a reduction is smoothed.
        features, guidance = _maps(shape=(2, 3, 2))[0], _maps(shape=(2, 6, 4))[1]
        expected = pool_by_loops(_bilinear(features, 6, 4), guidance)
    maps = [features, guidance]
    if data_format == "channels_first":
        maps = [np.moveaxis(x, 3, 1) for x in maps]
    layer = CrossLayerPooling(resize=resize, data_format=data_format)
    if dynamic:
        axis = 0 if data_format == "channels_first" else 2
        shapes = [np.insert([None, None], axis, x.shape[axis + 1]).tolist() for x in maps]
        inputs = [keras.Input(shape) for shape in shapes]
        model = keras.Model(inputs, layer(inputs))
        assert model.output_shape == (None, 18)
        descriptor = model.predict(maps, verbose=0)
    else:
        descriptor = ops.convert_to_numpy(layer(maps))
    np.testing.assert_allclose(descriptor, expected, rtol=1e-4, atol=1e-5)


def test_resize_leaves_equal_grids_alone():
    maps = _maps()
    expected = ops.convert_to_numpy(CrossLayerPooling()(list(maps)))
    for resize in ("guidance", "features"):
        descriptor = CrossLayerPooling(resize=resize)(list(maps))
        np.testing.assert_array_equal(ops.convert_to_numpy(descriptor), expected)


@pytest.mark.parametrize(("policy", "step"), [("mixed_float16", 1e-3), ("mixed_bfloat16", 8e-3)])
def test_half_precision_accumulates_in_float32(pool_by_loops, policy, step):
    # 64 x 64 positions of 30 x 30 sum to 3.7 million; float16 ends at 65504.
    features, guidance = _maps(shape=(1, 64, 64), dims=2, channels=2)
    features, guidance = np.abs(features) * 30, guidance * 30
    half = policy.removeprefix("mixed_")
    maps = [ops.cast(x, half) for x in (features, guidance)]
    exact = [ops.convert_to_numpy(ops.cast(x, "float32")) for x in maps]
    layer = CrossLayerPooling(dtype=policy)
    descriptor = layer(maps)
    assert keras.backend.standardize_dtype(descriptor.dtype) == half
    assert keras.backend.standardize_dtype(layer.pool(maps).dtype) == "float32"
    found = ops.convert_to_numpy(ops.cast(descriptor, "float32"))
    np.testing.assert_allclose(found, pool_by_loops(*exact), rtol=step)


def test_half_precision_loses_no_small_addend():
    # In float16 a sum of 2048 stays where it is when ones are added to it.
    features = np.ones((1, 64, 64, 1), "float16")
    layer = CrossLayerPooling(dtype="mixed_float16")
    assert float(layer.pool([features, features])[0, 0, 0]) == 64 * 64


def test_float32_maps_stay_float32_under_a_half_policy():
    # Values above 65504 come from the layer before; casting them down first would end in infinity.
    features = np.full((1, 2, 2, 2), 1e5, "float32")
    descriptor = CrossLayerPooling(dtype="mixed_float16")([features, features])
    found = ops.convert_to_numpy(ops.cast(descriptor, "float32"))
    np.testing.assert_allclose(found, np.full((1, 4), 0.5), rtol=1e-3)


def test_round_trip_through_a_file(tmp_path):
    options = {
        "block_normalization": True,
        "signed_square_root": False,
        "l2_normalization": False,
        "resize": "features",
        "epsilon": 1e-3,
        "data_format": "channels_last",
    }
    inputs = [keras.Input((None, None, 3)), keras.Input((None, None, 6))]
    model = keras.Model(inputs, CrossLayerPooling(**options, name="pooling")(inputs))
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    config = restored.get_layer("pooling").get_config()
    assert {name: config[name] for name in options} == options
    maps = list(_maps())
    found = ops.convert_to_numpy(restored(maps))
    np.testing.assert_array_equal(found, ops.convert_to_numpy(model(maps)))


def test_no_tensor_is_as_large_as_the_positions_times_the_descriptor(tf):
    height, width, dims, channels = 9, 11, 13, 17
    layer = CrossLayerPooling(block_normalization=True)
    specs = [tf.TensorSpec((2, height, width, n), "float32") for n in (dims, channels)]
    layer([tf.zeros(spec.shape) for spec in specs])

    @tf.function
    def value_and_gradients(features, guidance):
        with tf.GradientTape() as tape:
            tape.watch([features, guidance])
            total = tf.reduce_sum(layer([features, guidance]) ** 3)
        return tape.gradient(total, [features, guidance])

    graph = value_and_gradients.get_concrete_function(*specs).graph
    sizes = [t.shape.num_elements() or 0 for op in graph.get_operations() for t in op.outputs]
    products = [op for op in graph.get_operations() if "MatMul" in op.type]
    assert len(products) == 3  # one forward, two backward
    # The largest tensors are the maps and the descriptor themselves.
    assert max(sizes) == 2 * channels * max(height * width, dims)


BAD_INPUTS = {
    "one map": ((2, 5, 4, 3), "Expected a pair"),
    "three maps": ([(2, 5, 4, 3)] * 3, "Expected a pair"),
    "vectors": ([(2, 3), (2, 6)], "4-D"),
    "unbatched": ([(5, 4, 3), (5, 4, 6)], "4-D"),
    "other grid": ([(2, 5, 4, 3), (2, 3, 4, 6)], 'resize="guidance"'),
    "turned grid": ([(2, 5, 4, 3), (2, 4, 5, 6)], "different grids"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_inputs_are_named(case):
    shapes, message = BAD_INPUTS[case]
    inputs = np.zeros(shapes) if isinstance(shapes, tuple) else [np.zeros(s) for s in shapes]
    with pytest.raises(ValueError, match=rf"(?s){message}.*Received: input_shape="):
        CrossLayerPooling()(inputs)


def test_another_grid_is_refused_after_the_first_call():
    layer = CrossLayerPooling()
    layer(list(_maps()))
    # Both have 36 positions, so the product alone would not notice.
    with pytest.raises(ValueError, match="different grids"):
        layer([np.zeros((1, 4, 9, 3), "float32"), np.zeros((1, 6, 6, 6), "float32")])


@pytest.mark.parametrize(
    ("argument", "value"), [("resize", "both"), ("data_format", "channel_last")]
)
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be one of .*Received: .*'{value}'"):
        CrossLayerPooling(**{argument: value})
