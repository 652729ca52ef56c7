"""The benchmark of the layers: what it counts, what it writes, and what its gradients are."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks.layers.backends import current_backend
from benchmarks.layers.layer_shape import LayerShape

ROOT = pathlib.Path(__file__).parents[2]
SHAPES = ("2x3x4x5", "1x2x3x3")
POLICIES = ("float32", "mixed_float16")
OPERATIONS = ("A^T X", "CrossLayerPooling", "SignedSquareRoot", "LocalRegions")


def test_operations_are_counted_term_by_term():
    shape = LayerShape.parse("2x3x4x5")
    # 5 x 4 sums of 9 terms for each of 2 images: 360 multiplications and as many additions.
    assert shape.product_flop() == 720
    # 9 windows of 9 positions and 4 channels onto 4 numbers, for 2 images: 2592 of each.
    assert shape.window_flop() == 5184


def test_pullback_is_the_gradient_of_the_output_weighted_by_the_cotangent():
    rng = np.random.default_rng(0)
    x, y, cotangent = (rng.normal(size=s).astype("float32") for s in ((6, 4), (4, 3), (6, 3)))
    backend = current_backend()
    inputs = [ops.convert_to_tensor(value) for value in (cotangent, x, y)]
    output, (x_gradient, y_gradient) = backend.bind(backend.pullback(ops.matmul), *inputs)()
    backend.wait(output)
    np.testing.assert_allclose(output, x @ y, rtol=1e-5)
    np.testing.assert_allclose(x_gradient, cotangent @ y.T, rtol=1e-5)
    np.testing.assert_allclose(y_gradient, x.T @ cotangent, rtol=1e-5)


@pytest.fixture(scope="module")
def written(run_main, tmp_path_factory):
    output = tmp_path_factory.mktemp("layers") / "layers.json"
    done = run_main(
        "benchmarks.layers",
        f"--shapes={','.join(SHAPES)}",
        f"--policies={','.join(POLICIES)}",
        "--rounds=3",
        "--square=64",
        f"--output={output}",
        KERAS_BACKEND="tensorflow",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text()), done.stdout


def test_every_operation_is_timed_under_every_policy(written):
    record, _ = written
    rows = record["rows"]
    assert [(row["policy"], row["batch"], row["operation"]) for row in rows] == [
        (policy, batch, operation)
        for policy in POLICIES
        for batch in (2, 1)
        for operation in OPERATIONS
    ]
    assert all(row["forward_ms"] > 0 and row["forward_and_backward_ms"] > 0 for row in rows)
    assert (record["backend"], record["square"], record["rounds"]) == ("tensorflow", 64, 3)
    assert {"machine", "device", "data", "versions"} <= record.keys()


def test_rates_follow_from_times_and_counts(written):
    record, _ = written
    for row in record["rows"]:
        if row["operation"] == "SignedSquareRoot":
            assert not row.keys() & {"product_in", "gflop", "gflop/s", "share_of_square"}
            continue
        shape = LayerShape(row["batch"], row["side"], row["features"], row["guidance"])
        windows = row["operation"] == "LocalRegions"
        flop = shape.window_flop() if windows else shape.product_flop()
        assert row["gflop"] == pytest.approx(flop / 1e9)
        rate = row["gflop"] / (row["forward_ms"] / 1e3)
        assert row["gflop/s"] == pytest.approx(rate)
        assert row["share_of_square"] == pytest.approx(rate / row["square_gflop/s"])


def test_precision_of_each_product(written):
    record, _ = written
    products = {(row["policy"], row["operation"]): row.get("product_in") for row in record["rows"]}
    assert {products["float32", name] for name in OPERATIONS} == {"float32", None}
    mixed = [products["mixed_float16", name] for name in OPERATIONS]
    assert mixed == ["float16", "float32", None, "float16"]


def test_square_products_are_those_of_their_precision(written):
    record, _ = written
    rates = {
        (row["policy"], row["batch"], row["product_in"]): row["square_gflop/s"]
        for row in record["rows"]
        if "product_in" in row
    }
    # One in float32 for each shape, and one more in float16 under the mixed policy.
    assert len(set(rates.values())) == len(rates) == 3 * len(SHAPES)


def test_table_is_printed(written):
    _, printed = written
    table = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(SHAPES) * len(POLICIES) * len(OPERATIONS)
    assert "share of square" in table[0]


@pytest.mark.parametrize("text", ["8x28x512", "8x28x512x0", "8x28x512x-1", "axbxcxd", ""])
def test_bad_shapes_are_refused(text):
    with pytest.raises(ValueError, match=rf"four whole numbers .* Received: --shapes={text}$"):
        LayerShape.parse(text)


def test_backend_without_gradients_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(ValueError, match=r"one of tensorflow, jax, torch: .*Received: numpy$"):
        current_backend()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--policies=float64", "--policies are of float32, mixed_float16, mixed_bfloat16"),
        ("--shapes=", "--shapes not empty"),
    ],
)
def test_bad_flags_end_in_one_line(fork_main, tmp_path, flag, message):
    output = tmp_path / "layers.json"
    done = fork_main("benchmarks.layers", flag, f"--output={output}")
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert message in line
    assert not output.exists()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_is_timed_without_tensorflow(backend, tmp_path):
    pytest.importorskip(backend)
    output = tmp_path / "layers.json"
    flags = ["--shapes=1x2x3x3", "--rounds=1", "--square=64", f"--output={output}"]
    code = f"""
import runpy, sys
sys.argv[1:] = {flags}
try:
    runpy.run_module("benchmarks.layers", run_name="__main__")
finally:
    assert "tensorflow" not in sys.modules
"""
    environment = os.environ | {"KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    record = json.loads(output.read_text())
    assert record["backend"] == backend
    assert len(record["rows"]) == len(POLICIES) * len(OPERATIONS)
