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
    for epsilon in (1e-7, 1e-4):
        layer = SignedSquareRoot(epsilon)
        zeros = np.zeros(3, "float32")
        assert not np.any(layer(zeros))
        np.testing.assert_allclose(_gradient(tf, layer, zeros), epsilon**-0.5, rtol=1e-4)


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
    np.testing.assert_allclose(
        ops.cast(rooted, "float32"), [-np.sqrt(np.float16(60000)), 0, 2], rtol=1e-3
    )


def test_round_trip_through_a_file(tmp_path):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, SignedSquareRoot(epsilon=0.01, name="root")(inputs))
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert restored.get_layer("root").epsilon == 0.01
    values = VALUES[None, :5].astype("float32")
    np.testing.assert_array_equal(restored(values), model(values))


def test_symbolic_shape():
    layer = SignedSquareRoot()
    assert layer(keras.Input((None, 4))).shape == (None, None, 4)
    assert layer.compute_output_shape((2, None, 4)) == (2, None, 4)
