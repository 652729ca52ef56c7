"""SignedSquareRoot: odd, exact away from zero, and a slope that stays finite at it."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import SignedSquareRoot

VALUES = np.array([-1e6, -4.0, -1e-2, 0.0, 1e-2, 9.0, 1e6])


def _gradient(tf, layer, values):
    values = tf.constant(values)
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(layer(values))
    return ops.convert_to_numpy(tape.gradient(total, values))


@pytest.mark.parametrize("shape", [(7,), (7, 1), (1, 7, 1, 1)])
def test_formula_in_any_shape(shape):
    rooted = SignedSquareRoot()(VALUES.astype("float32").reshape(shape))
    assert tuple(rooted.shape) == shape
    expected = [np.sign(v) * np.sqrt(abs(v)) for v in VALUES]
    np.testing.assert_allclose(ops.convert_to_numpy(rooted).ravel(), expected, rtol=1e-5)


def test_zero_stays_exactly_zero_with_a_bounded_slope(tf):
    # 1e-7 is what older models hold. It is no normal number of float16, so 2**-14 is taken.
    for epsilon, least in ((1e-7, 2**-14), (1e-4, 1e-4), (1e-2, 1e-2)):
        layer = SignedSquareRoot(epsilon)
        zeros = np.zeros(3, "float32")
        assert not np.any(ops.convert_to_numpy(layer(zeros)))
        np.testing.assert_allclose(_gradient(tf, layer, zeros), least**-0.5, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("shape", [(2, 12), (2, 3, 4)])
def test_unit_norm(shape, scale):
    values = np.random.default_rng(0).normal(size=shape)
    rooted = np.sign(values) * np.sqrt(np.abs(values))
    norms = np.sqrt(np.sum(rooted**2, axis=tuple(range(1, len(shape))), keepdims=True))
    layer = SignedSquareRoot(l2_normalization=True)
    found = ops.convert_to_numpy(layer((scale * values).astype("float32")))
    np.testing.assert_allclose(found, rooted / norms, rtol=1e-5, atol=1e-6)
    assert not ops.convert_to_numpy(layer(np.zeros(shape, "float32"))).any()


def test_gradient_of_unit_norm(tf):
    values, step = np.random.default_rng(0).normal(size=(2, 3)), 1e-6
    layer = SignedSquareRoot(l2_normalization=True, dtype="float64")
    found = _gradient(tf, layer, values)
    for place in np.ndindex(values.shape):
        moved = step * np.eye(6)[np.ravel_multi_index(place, values.shape)].reshape(values.shape)
        above, below = (np.sum(ops.convert_to_numpy(layer(values + s * moved))) for s in (1, -1))
        np.testing.assert_allclose(found[place], (above - below) / (2 * step), rtol=1e-4, atol=1e-6)


def test_gradient_equals_finite_differences(tf):
    layer = SignedSquareRoot(dtype="float64")
    values, step = np.array([-50.0, -1.0, -1e-3, 1e-3, 1.0, 50.0]), 1e-7
    above, below = (ops.convert_to_numpy(layer(values + s)) for s in (step, -step))
    np.testing.assert_allclose(
        _gradient(tf, layer, values), (above - below) / (2 * step), rtol=1e-5
    )


def test_half_precision_computes_in_float32():
    # 1e-7 is below the smallest float16 step, so there epsilon would vanish and zero give 0 * inf.
    layer = SignedSquareRoot(dtype="mixed_float16")
    values = ops.cast(np.array([-60000.0, 0.0, 4.0]), "float16")
    rooted = layer(values)
    assert keras.backend.standardize_dtype(rooted.dtype) == "float16"
    found = ops.convert_to_numpy(ops.cast(rooted, "float32"))
    np.testing.assert_allclose(found, [-np.sqrt(np.float16(60000)), 0, 2], rtol=1e-3)


def test_round_trip_through_a_file(tmp_path):
    inputs = keras.Input((5,))
    layer = SignedSquareRoot(epsilon=0.01, l2_normalization=True, name="root")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert restored.get_layer("root").epsilon == 0.01
    assert restored.get_layer("root").l2_normalization
    values = VALUES[None, :5].astype("float32")
    found = ops.convert_to_numpy(restored(values))
    np.testing.assert_array_equal(found, ops.convert_to_numpy(model(values)))


def test_symbolic_shape():
    layer = SignedSquareRoot()
    assert layer(keras.Input((None, 4))).shape == (None, None, 4)
    assert layer.compute_output_shape((2, None, 4)) == (2, None, 4)
