"""LocalRegions against explicit windows and scikit-learn's PCA."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.decomposition import PCA

from keras_crosspool import CrossLayerPooling, LocalRegions

SIZES = [(1, 1), (2, 2), (3, 3), (4, 4), (2, 3), (5, 1)]


def _maps(shape=(7, 6, 7), channels=3, seed=0, offset=0.0):
    """Correlated channels of unequal spread, so that principal components are well apart."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(*shape, channels)) @ rng.normal(size=(channels, channels))
    maps += np.cumsum(rng.normal(size=maps.shape), axis=2)  # neighbours resemble each other
    return (maps + offset).astype("float32")


def _format(maps, data_format):
    return np.moveaxis(maps, 3, 1) if data_format == "channels_first" else maps


def _last(maps, data_format):
    maps = ops.convert_to_numpy(maps)
    return np.moveaxis(maps, 1, 3) if data_format == "channels_first" else maps


def _same_up_to_sign(actual, expected, atol):
    signs = np.sign(np.sum(actual * expected, axis=0))
    np.testing.assert_allclose(actual * signs, expected, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", SIZES)
def test_adapt_equals_pca_of_explicit_windows(windows_by_loops, size, data_format, convolvable):
    convolvable(data_format)
    maps = _maps()
    windows = windows_by_loops(maps, *size)
    expected = PCA(2, svd_solver="full").fit_transform(windows)
    layer = LocalRegions(2, size, data_format=data_format)
    layer.adapt([_format(maps, data_format)])
    regions = _last(layer(_format(maps, data_format)), data_format)
    assert regions.shape == (7, 7 - size[0], 8 - size[1], 2)
    _same_up_to_sign(regions.reshape(-1, 2), expected, atol=1e-3)


def test_kernel_holds_the_components_and_bias_minus_the_projected_mean(windows_by_loops):
    windows = windows_by_loops(_maps(), 3, 2)
    pca = PCA(4, svd_solver="full").fit(windows)
    layer = LocalRegions(4, (3, 2))
    layer.adapt([_maps()])
    kernel, bias = layer.get_weights()
    kernel = kernel.reshape(-1, 4)
    _same_up_to_sign(kernel, pca.components_.T, atol=1e-3)
    np.testing.assert_allclose(bias, -windows.mean(axis=0) @ kernel, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("offset", [0.0, 100.0, 3000.0])
def test_mean_is_subtracted_however_large(windows_by_loops, offset):
    maps = _maps(offset=offset)
    layer = LocalRegions(3)
    layer.adapt([maps[:3], maps[3:]])
    regions = ops.convert_to_numpy(layer(maps)).reshape(-1, 3)
    spread = regions.std(axis=0)
    assert (np.abs(regions.mean(axis=0)) < 1e-3 * spread.max()).all()
    windows = windows_by_loops(maps, 3, 3)
    expected = PCA(3, svd_solver="full").fit_transform(windows - windows.mean(axis=0))
    _same_up_to_sign(regions, expected, atol=2e-3 + 1e-5 * offset)


def test_streaming_equals_one_batch():
    maps = _maps(shape=(12, 6, 7))
    whole, streamed = LocalRegions(3), LocalRegions(3)
    whole.adapt([maps])
    streamed.adapt([maps[:1], maps[1:6], maps[6:]])  # a generator of unequal batches
    a, b = (ops.convert_to_numpy(layer(maps)).reshape(-1, 3) for layer in (whole, streamed))
    _same_up_to_sign(a, b, atol=1e-3)


def test_whitening_divides_by_the_deviation(windows_by_loops):
    # Far from unit variance, where variance and deviation are easily told apart.
    maps = 10 * _maps()
    layer = LocalRegions(3)
    layer.adapt([maps], whiten=True)
    regions = ops.convert_to_numpy(layer(maps)).reshape(-1, 3)
    np.testing.assert_allclose(np.cov(regions.T), np.eye(3), atol=2e-3)
    windows = windows_by_loops(maps, 3, 3)
    expected = PCA(3, svd_solver="full", whiten=True).fit_transform(windows)
    _same_up_to_sign(regions, expected, atol=1e-3)


def test_a_component_that_does_not_vary_cannot_be_whitened():
    maps = _maps(channels=3)
    maps[..., 1] = 5
    with pytest.raises(ValueError, match=r"fewer components.*Received: 3 components, .* 2 vary"):
        LocalRegions(3, 1).adapt([maps], whiten=True)


def test_components_come_in_falling_order_of_variance():
    layer = LocalRegions(5)
    layer.adapt([_maps()])
    variances = ops.convert_to_numpy(layer(_maps())).reshape(-1, 5).var(axis=0)
    assert (np.diff(variances) < 0).all()


def test_the_fit_stays_in_the_layer(tmp_path):
    maps = _maps()
    inputs = keras.Input((None, None, 3))
    layer = LocalRegions(2, (2, 3), name="regions")
    model = keras.Model(inputs, layer(inputs))
    before = model.predict(maps, verbose=0)
    layer.adapt([maps])
    adapted = model.predict(maps, verbose=0)
    assert not np.allclose(before, adapted)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored.predict(maps, verbose=0), adapted)
    assert restored.get_layer("regions").kernel_size == (2, 3)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", SIZES)
def test_crop_reads_the_centre_of_each_window(size, data_format):
    positions = np.stack(np.mgrid[0:6, 0:7], axis=-1)[None].astype("float32")
    layer = LocalRegions(1, size, data_format=data_format)
    cropped = _last(layer.crop(_format(positions, data_format)), data_format)
    assert cropped.shape == (1, 7 - size[0], 8 - size[1], 2)
    for i, j in np.ndindex(cropped.shape[1:3]):
        # Even windows have no middle cell: the one before the middle is taken.
        assert cropped[0, i, j].tolist() == [i + (size[0] - 1) // 2, j + (size[1] - 1) // 2]


def test_one_layer_crops_several_maps_of_a_model():
    layer = LocalRegions(1, name="windows")
    maps = keras.Input((6, 7, 2)), keras.Input((6, 7, 3))
    model = keras.Model(maps, [layer.crop(x) for x in maps])
    assert [x.shape for x in model.outputs] == [(None, 4, 5, 2), (None, 4, 5, 3)]
    names = [x.name for x in model.layers if isinstance(x, keras.layers.Cropping2D)]
    assert names == ["windows_crop", "windows_crop_1"]


@pytest.mark.parametrize("size", SIZES)
def test_pooling_regions_equals_pooling_projected_windows(windows_by_loops, pool_by_loops, size):
    maps = _maps(offset=2)
    guidance = np.maximum(_maps(seed=1, channels=4), 0)
    features_input, guidance_input = keras.Input((None, None, 3)), keras.Input((None, None, 4))
    layer = LocalRegions(2, size)
    layer.adapt([maps])
    descriptor = CrossLayerPooling()([layer(features_input), layer.crop(guidance_input)])
    model = keras.Model([features_input, guidance_input], descriptor)
    windows = windows_by_loops(maps, *size)
    kernel = layer.get_weights()[0].reshape(-1, 2)
    rows, columns = 7 - size[0], 8 - size[1]
    projected = ((windows - windows.mean(axis=0)) @ kernel).reshape(7, rows, columns, 2)
    top, left = (size[0] - 1) // 2, (size[1] - 1) // 2
    centres = guidance[:, top : top + rows, left : left + columns]
    np.testing.assert_allclose(
        model.predict([maps, guidance], verbose=0),
        pool_by_loops(projected, centres),
        rtol=1e-3,
        atol=1e-3,
    )


def test_adapts_from_a_tf_dataset_and_under_half_precision(tf):
    maps = _maps()
    exact, half = LocalRegions(2), LocalRegions(2, dtype="mixed_float16")
    exact.adapt(tf.data.Dataset.from_tensor_slices(maps).batch(3))
    half.adapt([ops.cast(maps, "float16")])
    expected = ops.convert_to_numpy(exact(maps)).reshape(-1, 2)
    actual = ops.convert_to_numpy(ops.cast(half(maps), "float32")).reshape(-1, 2)
    _same_up_to_sign(actual, expected, atol=0.02 * expected.std())


def test_symbolic_shape():
    layer = LocalRegions(8, (2, 3))
    assert layer(keras.Input((None, None, 3))).shape == (None, None, None, 8)
    assert layer.compute_output_shape((4, 6, 7, 3)) == (4, 5, 5, 8)


@pytest.mark.parametrize(
    "argument",
    [{"strides": 2}, {"padding": "same"}, {"dilation_rate": 2}, {"groups": 3}, {"use_bias": False}],
    ids=lambda argument: next(iter(argument)),
)
def test_what_makes_it_a_window_cannot_be_chosen(argument):
    (name,) = argument
    with pytest.raises(ValueError, match=rf"{name}.* cannot be chosen.*Received: .*{name}"):
        LocalRegions(3, **argument)


def test_bad_data_is_named():
    with pytest.raises(ValueError, match=r"PCA to 300 .*Received: 140 rows of 27 dimensions"):
        LocalRegions(300).adapt([_maps()])
    with pytest.raises(ValueError, match="Received: 0 rows"):
        LocalRegions(2).adapt([])


def test_workers_add_up_their_statistics():
    # A worker beside one with the same maps knows what one does who sees them twice.
    maps = _maps(offset=10)
    twice, shared = LocalRegions(3), LocalRegions(3)
    twice.adapt([maps, maps], whiten=True)
    shared.update_state(maps)
    shared.finalize_state(whiten=True, all_reduce=lambda array: array + array)
    alone = LocalRegions(3)
    alone.adapt([maps], whiten=True)
    expected, found, other = (
        ops.convert_to_numpy(layer(maps)).reshape(-1, 3) for layer in (twice, shared, alone)
    )
    _same_up_to_sign(found, expected, atol=1e-5)
    # n - 1 of the variance shows that the rows were counted twice too.
    assert np.abs(np.abs(other) - np.abs(expected)).max() > 1e-3
