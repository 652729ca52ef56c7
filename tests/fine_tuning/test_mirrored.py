"""Two devices train as one does: one process with two logical CPUs, compared with this one."""

import keras
import numpy as np
import pytest

from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.data import open_split
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.fine_tuning.accumulating_model import AccumulatingModel
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from keras_crosspool.fine_tuning.layerwise_adamw import LayerwiseAdamW

SCRIPT = """
import pathlib
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import test_mirrored
from keras_crosspool.distribution import create_distribution
mirrored = create_distribution("mirrored", devices=2)
np.savez(sys.argv[4], **test_mirrored.train(mirrored, sys.argv[2], pathlib.Path(sys.argv[3])))
"""


def train(distribution, data, network):
    """What some ways of training end in, on a network from a file: dict of arrays."""
    results = {"replicas": np.array(distribution.replicas)}
    results["clipped"] = _steps(distribution, network, global_clipnorm=0.01)
    split, held_out = (open_split(data, name) for name in ("train", "test"))
    for name, options in {"whole": {}, "parts": {"gradient_accumulation": 2}}.items():
        model = keras.models.load_model(network)
        options = FineTuningConfig(
            epochs=1,
            batch_size=8,
            learning_rate=0.01,
            classifier_rate=1.0,
            clip_norm=0.5,
            batch_norm="synchronized" if name == "whole" else "frozen",
            **options,
        )
        history, _ = fine_tune(model, split, held_out, 16, options, distribution)
        results[name] = _flat(model)
        results[f"{name}_history"] = np.array([history[key] for key in sorted(history)])
    return results


def _steps(distribution, network, **options):
    """Steps on images of which one share has far larger gradients than the other."""
    with np.load(network.with_name("images.npz")) as data:
        images, targets = data["images"], data["targets"]
    with distribution.scope():
        model = keras.models.load_model(network)
        model = AccumulatingModel(model.input, model.output)
        model.get_layer("first_norm").trainable = False
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        # A large epsilon makes Adam's steps follow the length of the gradients.
        model.compile(LayerwiseAdamW(0.1, epsilon=1.0, **options), loss)
    model.fit(images, targets, batch_size=16, epochs=4, shuffle=False, verbose=0)
    return _flat(model)


def _save_case(folder, network):
    """Saves a network and random images; both ways of training read them. The network's path."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (16, 16, 16, 3)).astype("float32")
    targets = np.eye(3, dtype="float32")[rng.integers(0, 3, 16)]
    targets[:8] *= 20
    np.savez(folder / "images.npz", images=images, targets=targets)
    network.save(folder / "network.keras")
    return folder / "network.keras"


def _flat(model):
    return np.concatenate([np.asarray(weight).ravel() for weight in model.get_weights()])


@pytest.fixture(scope="module")
def results(tiny_network, tiny_folder, fork_main, tmp_path_factory):
    """What one device, and what two, end in."""
    folder = tmp_path_factory.mktemp("mirrored")
    network = _save_case(folder, tiny_network())
    (folder / "two_devices.py").write_text(SCRIPT)
    here, output = __file__.rpartition("/")[0], folder / "results.npz"
    done = fork_main("two_devices", here, tiny_folder, network, output, cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(output) as two:
        return train(ONE_DEVICE, tiny_folder, network), dict(two)


def test_there_were_two(results):
    assert [int(result["replicas"]) for result in results] == [1, 2]


@pytest.mark.parametrize("name", ["clipped", "whole", "parts"])
def test_two_devices_end_where_one_does(results, name):
    one, two = results
    np.testing.assert_allclose(two[name], one[name], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["whole", "parts"])
def test_they_log_the_same(results, name):
    one, two = results
    np.testing.assert_allclose(two[f"{name}_history"], one[f"{name}_history"], rtol=1e-4)


def test_clipping_was_felt(results, tiny_network, tmp_path):
    plain = _steps(ONE_DEVICE, _save_case(tmp_path, tiny_network()))
    assert np.abs(results[0]["clipped"] - plain).max() > 1e-3
