"""GuidanceSelection: the most active channels, as a convolution that exports and saves."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_crosspool import GuidanceSelection

# Mean magnitudes 3, 1, 5, 4, 2: the sign must not matter, nor one large value.
ACTIVITY = np.array([3.0, 1.0, -5.0, 4.0, -2.0], "float32")


def _maps(batch=6, data_format="channels_last"):
    rng = np.random.default_rng(0)
    maps = ACTIVITY * rng.uniform(0.9, 1.1, size=(batch, 3, 4, 5)).astype("float32")
    return np.moveaxis(maps, 3, 1) if data_format == "channels_first" else maps


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("kept", "channels"), [(1, [2]), (2, [2, 3]), (3, [0, 2, 3])])
def test_keeps_the_most_active_channels_in_their_order(kept, channels, data_format, convolvable):
    convolvable(data_format)
    maps = _maps(data_format=data_format)
    layer = GuidanceSelection(kept, data_format=data_format)
    layer.adapt([maps])
    axis = 1 if data_format == "channels_first" else 3
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(maps)), np.take(maps, channels, axis))


def test_activity_adds_up_over_all_batches():
    # Channel 1 leads in the first batch alone, channel 0 over all of them.
    first, second = np.zeros((1, 2, 2, 3), "float32"), np.zeros((3, 2, 2, 3), "float32")
    first[..., 1], second[..., 0] = 5, 4
    for batches in ([first, second], [second, first], [np.concatenate([first, second])]):
        layer = GuidanceSelection(1)
        layer.adapt(batches)
        assert layer.get_weights()[0][0, 0, :, 0].tolist() == [1, 0, 0]


def test_activity_adds_up_over_all_workers():
    # Channel 1 leads here, channel 0 over all workers.
    here, elsewhere = np.zeros((1, 2, 2, 3), "float32"), np.array([20.0, 0.0, 1.0])
    here[..., 1] = 4
    layer = GuidanceSelection(1)
    layer.update_state(here)
    layer.finalize_state(all_reduce=lambda activity: activity + elsewhere)
    assert layer.get_weights()[0][0, 0, :, 0].tolist() == [1, 0, 0]


def test_adapts_again_from_nothing():
    layer = GuidanceSelection(2)
    layer.adapt([_maps()])
    layer.adapt([_maps()[..., ::-1]])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(_maps())), _maps()[..., [1, 2]])


def test_first_channels_before_adapt():
    np.testing.assert_array_equal(
        ops.convert_to_numpy(GuidanceSelection(2)(_maps())), _maps()[..., :2]
    )


def test_ties_go_to_the_first_channels():
    layer = GuidanceSelection(2)
    layer.adapt([np.ones((1, 2, 2, 4), "float32")])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.kernel)[0, 0], np.eye(4)[:, :2])


def test_dynamic_sizes_and_round_trip_through_a_file(tmp_path):
    inputs = keras.Input((None, None, 5))
    layer = GuidanceSelection(2, activation="relu", name="guidance")
    layer.adapt(ops.convert_to_tensor(batch) for batch in np.split(_maps(), 3))
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, None, None, 2)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    for maps in (_maps(), _maps()[:, :1]):
        found = ops.convert_to_numpy(restored(maps))
        np.testing.assert_array_equal(found, ops.convert_to_numpy(model(maps)))
        np.testing.assert_array_equal(found, np.maximum(maps[..., [2, 3]], 0))


def test_half_precision_keeps_the_values():
    layer = GuidanceSelection(2, dtype="mixed_float16")
    # As sums in float16 the activities of 60 x 60 positions would all be infinite.
    maps = (ACTIVITY * np.full((1, 60, 60, 5), 100)).astype("float16")
    layer.adapt([maps])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(maps)), maps[..., [2, 3]])


def test_bad_inputs_are_named():
    with pytest.raises(ValueError, match=r"select 6 .* of 5.*Received: input_shape="):
        GuidanceSelection(6)(_maps())
    with pytest.raises(ValueError, match=r"at least one batch.*Received: no batch"):
        GuidanceSelection(2).adapt([])
