"""Whole models under JAX and PyTorch, compared with what TensorFlow computes."""

import dataclasses
import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
BACKENDS = ("jax", "torch")
NAMES = ("solve", "schemes", "labels", "networks", "fit", "tune", "bfloat16")


def _needs(backend):
    return pytest.mark.skipif(
        importlib.util.find_spec(backend) is None,
        reason=f"{backend} is not installed: make test_backends runs this test",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of what the backends computed: the tests read it, and share it."""
    return tmp_path_factory.mktemp("backends")


@dataclasses.dataclass(frozen=True)
class Computed:
    """What a backend and TensorFlow computed: arrays by their names."""

    found: dict
    expected: dict

    def difference(self, name):
        """The norm of the difference, relative to that of what TensorFlow computed."""
        found, expected = self.found[name], self.expected[name]
        assert found.shape == expected.shape
        size = np.linalg.norm(expected)
        assert size > 1e-3  # what is nothing but rounding could not be compared
        return np.linalg.norm(found - expected) / size


def _take(folder, run, backend, names, **variables):
    """The folder in which the measures of a run of a backend are; they are taken once."""
    found, reference = folder / run, folder / "tensorflow"
    if not found.exists():
        done = subprocess.run(
            [sys.executable, "-m", "tests.backends.measures", found, reference, *names],
            cwd=ROOT,
            env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return found


def _arrays(folder):
    failed = folder / "failed.txt"
    assert not failed.exists(), failed.read_text()
    with np.load(folder / "arrays.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module", params=[pytest.param(b, marks=_needs(b)) for b in BACKENDS])
def computed(request, folder):
    """A function of a measure's name that gives what was computed, for each backend."""

    def read(name):
        expected, found = (_take(folder, run, run, NAMES) for run in ("tensorflow", request.param))
        return Computed(_arrays(found / name), _arrays(expected / name))

    return read


def test_a_saved_model_predicts_and_is_solved_alike(computed):
    """Real photographs of another size than the network's, which are resized, and real weights."""
    solve = computed("solve")
    for name in ("loaded", "arrays", "bias", "solved", "contributions", "compressed"):
        assert solve.difference(name) < 1e-4, name
    np.testing.assert_allclose(solve.found["score"], solve.expected["score"], atol=1e-6)


@pytest.mark.parametrize("data", ["dataset", "tf.data"])
def test_every_kind_of_data_is_solved_alike(computed, data):
    solve = computed("solve")
    assert solve.difference(data) < 1e-4
    # Not a bit differs from the arrays' kernel: the pixels are the same.
    np.testing.assert_array_equal(solve.found[data], solve.found["arrays"])


@pytest.mark.parametrize(
    "scheme", ["scheme1", "both", "scheme1_2x", "global_average", "region_average"]
)
def test_schemes_are_solved_alike(computed, scheme):
    schemes = computed("schemes")
    assert schemes.difference(f"{scheme} loaded") < 1e-4
    assert schemes.difference(f"{scheme} kernel") < 3e-4  # region grids lie in float16


def test_guidance_is_trained(computed):
    assert computed("schemes").found["guided score"] > 0.9  # one third by chance


def test_several_labels_are_solved_alike(computed):
    labels = computed("labels")
    assert labels.difference("kernel") < 1e-4
    assert labels.difference("thresholds") < 1e-4


@pytest.mark.parametrize("network", ["EfficientNetV2B0", "DenseNet121"])
def test_networks_of_keras_predict_alike(computed, network):
    assert computed("networks").difference(network) < 1e-4


@pytest.mark.parametrize("optimizer", ["default", "sgd"])
def test_fit_gives_the_same_losses(computed, optimizer):
    fit = computed("fit")
    for key in ("loss", "val_loss", "accuracy", "evaluated"):
        assert fit.difference(f"{optimizer} {key}") < 1e-4, key
    losses = fit.expected[f"{optimizer} loss"]
    assert losses[-1] < losses[0] - 1e-3  # far more than what is allowed to differ


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float32", 2e-3), ("mixed_float16", 1e-2), ("mixed_bfloat16", 3e-2)],
)
def test_fine_tuning_gives_the_same_losses(computed, precision, tolerance):
    """Adam divides by tiny second moments, which makes much of rounding."""
    tune = computed("tune")
    for key in ("loss", "val_loss"):
        assert tune.difference(f"{precision} {key}") < tolerance, key


def test_tune_learns(computed):
    assert computed("tune").found["tuned accuracy"] > 0.9


def test_half_precision_computes_in_it(computed):
    half = computed("bfloat16")
    assert str(half.found["dtype"]) == "bfloat16"
    np.testing.assert_allclose(half.found["loss"], half.expected["loss"], rtol=2e-2)


@_needs("jax")
def test_jax_trains_on_two_devices_as_on_one(folder):
    _take(folder, "tensorflow", "tensorflow", NAMES)
    found = {}
    for devices in (1, 2):
        flags = f"--xla_force_host_platform_device_count={devices}"
        run = _take(folder, f"jax-{devices}", "jax", ["data_parallel"], XLA_FLAGS=flags)
        found[devices] = _arrays(run / "data_parallel")
        assert found[devices]["devices"] == devices
    one, two = found.values()
    np.testing.assert_allclose(two["loss"], one["loss"], atol=1e-5)
    assert one["loss"][-1] < one["loss"][0] - 1e-3
    difference = np.linalg.norm(two["kernel"] - one["kernel"]) / np.linalg.norm(one["kernel"])
    assert difference < 1e-4
