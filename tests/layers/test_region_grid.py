"""RegionGrid against regions cut by hand, windows of maps by loops, explicit convolutions."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import RegionGrid

CUTS = [{"mode": "crops"}, {"mode": "partial", "cut": "early"}, {"mode": "shared"}]


def _network(vector=None, side=None):
    """Three convolutions of stride 8 in all, and a fully-connected layer if asked for."""
    keras.utils.set_random_seed(0)
    image = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name="early")(x)
    y = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="inside")(x)
    x = keras.layers.Add(name="merged")([x, y])
    x = keras.layers.Conv2D(6, 3, 4, padding="same", activation="relu", name="last")(x)
    if vector:
        x = keras.layers.Dense(vector, name="fully_connected")(keras.layers.Flatten()(x))
    return keras.Model(image, x)


@pytest.fixture(scope="module")
def network():
    return _network()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 48, 3)).astype("float32")


def _run(model, x):
    return ops.convert_to_numpy(model(x))


def _crops(network, images, size, tops, lefts):
    """Every region by itself, one after the other, through the network; the mean over its map."""
    return np.stack(
        [
            [_run(network, images[:, t : t + size, s : s + size]).mean(axis=(1, 2)) for s in lefts]
            for t in tops
        ]
    ).transpose(2, 0, 1, 3)


def test_crops_are_regions_through_the_network(network, images):
    actual = _run(RegionGrid(network, 32, 16), images)
    expected = _crops(network, images, 32, (0, 16, 32), (0, 16))
    assert actual.shape == (3, 3, 2, 6)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_what_is_left_of_the_image_is_left_on_both_sides(network, images):
    layer = RegionGrid(network, 32, 10)
    actual = _run(layer, images)
    expected = _crops(network, images, 32, (1, 11, 21, 31), (3, 13))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)
    assert layer.boxes()[0, 2, 1].tolist() == [13, 21, 45, 53]


def test_several_sizes_share_the_grid(network, images):
    layer = RegionGrid(network, (16, 32), 16)
    actual = _run(layer, images)
    assert actual.shape == (3, 4, 3, 12)
    # Regions of 32 px, evenly over 64 and 48 px in four rows and three columns.
    large = _crops(network, images, 32, (0, 11, 21, 32), (0, 8, 16))
    small = _crops(network, images, 16, (0, 16, 32, 48), (0, 16, 32))
    np.testing.assert_allclose(actual, np.concatenate([small, large], axis=3), rtol=1e-4, atol=1e-6)
    assert layer.boxes()[1, 3, 1].tolist() == [8, 32, 40, 64]


def test_crops_are_resized_to_the_input(network, images):
    actual = _run(RegionGrid(network, 32, 16, input_size=24), images)
    region = ops.image.resize(images[:, 16:48, 16:48], (24, 24))
    expected = _run(network, region).mean(axis=(1, 2))
    np.testing.assert_allclose(actual[:, 1, 1], expected, rtol=1e-4, atol=1e-6)


def test_partial_runs_the_rest_on_windows_of_the_early_map(network, images):
    outputs = {layer.name: layer.output for layer in network.layers}
    early = keras.Model(network.input, outputs["early"])
    maps = _run(early, images)
    actual = _run(RegionGrid(network, 32, 16, "partial", "early"), images)
    weights = {layer.name: layer for layer in network.layers}
    for row, column in np.ndindex(3, 2):
        window = maps[:, 8 * row : 8 * row + 16, 8 * column : 8 * column + 16]
        window = ops.convert_to_tensor(window)
        rest = weights["last"](window + weights["inside"](window))
        expected = ops.convert_to_numpy(rest).mean(axis=(1, 2))
        np.testing.assert_allclose(actual[:, row, column], expected, rtol=1e-4, atol=1e-6)


def test_shared_averages_windows_of_the_last_map(network, images):
    maps = _run(network, images)  # positions of 8 px
    actual = _run(RegionGrid(network, 32, 16, "shared"), images)
    for row, column in np.ndindex(3, 2):
        window = maps[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4]
        np.testing.assert_allclose(
            actual[:, row, column], window.mean(axis=(1, 2)), rtol=1e-4, atol=1e-6
        )


def test_shared_counts_fractions_of_positions(network, images):
    maps = np.repeat(np.repeat(_run(network, images), 8, axis=1), 8, axis=2)  # one a pixel
    actual = _run(RegionGrid(network, 20, 7, "shared"), images)
    assert actual.shape == (3, 7, 5, 6)
    for row, column in np.ndindex(7, 5):
        top, left = 1 + 7 * row, 7 * column
        expected = maps[:, top : top + 20, left : left + 20].mean(axis=(1, 2))
        np.testing.assert_allclose(actual[:, row, column], expected, rtol=1e-4, atol=1e-6)


def test_shared_enlarges_the_image_as_the_regions(network, images):
    actual = _run(RegionGrid(network, 32, 16, "shared", input_size=64), images)
    maps = _run(network, ops.image.resize(images, (128, 96)))
    np.testing.assert_allclose(
        actual[:, 1, 1], maps[:, 4:12, 4:12].mean(axis=(1, 2)), rtol=1e-4, atol=1e-6
    )


def test_fully_connected_layers_become_convolutions(images):
    network = _network(vector=5, side=32)
    grid = _run(RegionGrid(network, 32, 16, "shared"), images)
    last = keras.Model(network.input, network.get_layer("last").output)
    kernel, bias = network.get_layer("fully_connected").get_weights()
    maps = _run(RegionGrid(last, 8, 8, "shared"), images)  # every position of the last map
    convolved = ops.add(ops.conv(maps, kernel.reshape(4, 4, 6, 5), padding="valid"), bias)
    expected = ops.convert_to_numpy(convolved)[:, ::2, ::2]
    np.testing.assert_allclose(grid, expected, rtol=1e-4, atol=1e-5)
    # Of an image that is one region, nothing but the network's own output is left.
    region = images[:, :32, :32]
    for mode in ("shared", "crops"):
        alone = _run(RegionGrid(network, 32, 16, mode), region)
        np.testing.assert_allclose(alone[:, 0, 0], _run(network, region), rtol=1e-4, atol=1e-5)


def test_fully_connected_layers_of_vgg16():
    """fc1 as a 7 x 7 and fc2 as a 1 x 1 convolution, weights moved over, against the grid."""
    keras.utils.set_random_seed(0)
    vgg = keras.applications.VGG16(weights=None)
    network = keras.Model(vgg.input, vgg.get_layer("fc2").output)
    image = np.random.default_rng(0).normal(size=(1, 256, 256, 3)).astype("float32") * 50
    grid = _run(RegionGrid(network, 224, 32, "shared"), image)
    assert grid.shape == (1, 2, 2, 4096)
    convolutional = keras.applications.VGG16(weights=None, include_top=False)
    convolutional.set_weights(vgg.get_weights()[:-6])
    maps = _run(convolutional, image)
    for name, side in (("fc1", 7), ("fc2", 1)):
        kernel, bias = vgg.get_layer(name).get_weights()
        kernel = kernel.reshape(side, side, -1, 4096)
        convolved = ops.add(ops.conv(maps, kernel, padding="valid"), bias)
        maps = ops.convert_to_numpy(ops.relu(convolved))
    assert np.abs(grid - maps).max() < 1e-4 * np.abs(maps).max()
    region = image[:, :224, :224]
    alone, expected = _run(RegionGrid(network, 224, 32, "shared"), region), _run(network, region)
    assert np.abs(alone[:, 0, 0] - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut["mode"])
def test_a_batch_is_its_images(network, images, cut):
    layer = RegionGrid(network, 32, 16, **cut)
    together = _run(layer, images)
    alone = np.concatenate([_run(layer, image[None]) for image in images])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)
    at_once = _run(RegionGrid(network, 32, 16, image_by_image=False, **cut), images)
    np.testing.assert_allclose(together, at_once, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut["mode"])
def test_saved_and_loaded(network, images, cut, tmp_path):
    image = keras.Input((64, 48, 3))
    model = keras.Model(image, RegionGrid(network, (32, 16), 16, **cut)(image))
    expected = model.predict(images, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert loaded.count_params() == network.count_params()  # the network is held once


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut["mode"])
def test_shapes_known_and_open(network, cut):
    layer = RegionGrid(network, (32, 16), 16, **cut)
    assert layer.compute_output_shape((None, 64, 48, 3)) == (None, 3, 2, 12)
    assert layer(keras.Input((64, 48, 3))).shape == (None, 3, 2, 12)
    assert layer(keras.Input((64, 48, 3), batch_size=2)).shape == (2, 3, 2, 12)


def test_a_config_of_version_0_1_is_read(network):
    config = RegionGrid(network, 32, 16, image_by_image=False).get_config()
    config["picture_by_picture"] = config.pop("image_by_image")
    assert RegionGrid.from_config(config).image_by_image is False


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut["mode"])
def test_gradient_is_that_of_the_regions_summed(network, images, cut, tf):
    """Also for a black image, where every activation and its derivative may be zero."""
    layer = RegionGrid(network, 32, 16, **cut)
    kernel = network.get_layer("last").kernel
    for batch in (images, np.zeros_like(images)):
        with tf.GradientTape() as tape:
            loss = ops.sum(layer(batch) ** 2)
        assert np.isfinite(gradient := tape.gradient(loss, kernel.value)).all()
        values, step = kernel.numpy(), np.zeros(kernel.shape, "float32")
        step[1, 1, 2, 3] = 1e-2
        kernel.assign(values + step)
        above = float(ops.sum(layer(batch) ** 2))
        kernel.assign(values - step)
        below = float(ops.sum(layer(batch) ** 2))
        kernel.assign(values)
        numeric = (above - below) / 2e-2
        assert float(gradient[1, 1, 2, 3]) == pytest.approx(numeric, rel=2e-2, abs=1e-4)


def test_half_precision_averages_in_single():
    """A thousand values near 2000, where float16 has steps of 2: their mean keeps its fraction."""
    image = keras.Input((None, None, 3))
    network = keras.Model(image, keras.layers.Activation("linear", dtype="float16")(image))
    values = 2000 + 2 * np.random.default_rng(0).integers(0, 2, (1, 32, 32, 3))
    layer = RegionGrid(network, 32, 16, "shared", dtype=keras.DTypePolicy("float32"))
    actual = _run(layer, values.astype("float16"))
    np.testing.assert_allclose(actual[0, 0, 0], values.mean(axis=(0, 1, 2)), rtol=1e-6)


def test_the_policy_is_the_outputs(network, images):
    layer = RegionGrid(network, 32, 16, dtype="mixed_float16")
    actual = layer(images)
    assert keras.backend.standardize_dtype(actual.dtype) == "float16"
    exact = _run(RegionGrid(network, 32, 16), images)
    np.testing.assert_allclose(ops.convert_to_numpy(actual), exact, rtol=5e-3, atol=1e-3)


# Pixels that the early layers add on each side: a kernel of 3 adds 2 steps of its input, counted
# generously. `early` steps by 1 pixel; `inside` and `last` step by 2, as `early` has stride 2.
MARGINS = {"crops": 0, "partial": 2, "shared": 2 + 4 + 4}


def _around(images, box, margin):
    """The images with all white but a box and a margin around it."""
    left, top = np.maximum(box[:2] - margin, 0)
    right, bottom = box[2:] + margin
    changed = np.full_like(images, 255.0)
    changed[:, top:bottom, left:right] = images[:, top:bottom, left:right]
    return changed


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut["mode"])
def test_a_region_sees_its_box_and_the_margin_of_the_early_layers(network, images, cut):
    layer, images = RegionGrid(network, 16, 16, **cut), images[:1]
    before, margin = _run(layer, images), MARGINS[cut["mode"]]
    for cell in ((0, 0), (1, 1), (3, 2)):
        box = layer.boxes()[(0, *cell)]
        after = _run(layer, _around(images, box, margin))
        np.testing.assert_allclose(after[(0, *cell)], before[(0, *cell)], atol=1e-5)
    if cut["mode"] == "shared":
        # The margin is needed: what lies beside the region's own box does reach it.
        after = _run(layer, _around(images, layer.boxes()[0, 1, 1], 0))
        assert np.abs(after - before)[0, 1, 1].max() > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "windows"}, "mode='windows'"),
        ({"mode": "partial"}, "mode='partial', cut=None"),
        ({"mode": "crops", "cut": "early"}, "mode='crops', cut='early'"),
        ({"region_size": 0}, "one pixel or more.*region_size=\\(0,\\)"),
        ({"stride": 0}, "one pixel or more.*stride=0"),
        ({"region_size": (16, 80)}, "at least as large as the regions.*region_size=\\(16, 80\\)"),
        ({"mode": "partial", "cut": "inside"}, "go past it.*Received: 'inside'"),
        ({"mode": "partial", "cut": "nowhere"}, "no layer of this name.*'nowhere'"),
    ],
)
def test_bad_arguments_are_named(network, images, arguments, message):
    with pytest.raises(ValueError, match=message):
        RegionGrid(network, **{"region_size": 32, "stride": 16} | arguments)(images)


def test_an_image_of_unknown_size_is_refused(network):
    with pytest.raises(ValueError, match=r"known size.*\(None, None, None, 3\)"):
        RegionGrid(network, 32, 16)(keras.Input((None, None, 3)))
