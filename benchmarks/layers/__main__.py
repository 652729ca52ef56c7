"""Time and efficiency of the layers, forward and backward, under any Keras backend.

Random maps go through CrossLayerPooling, SignedSquareRoot and LocalRegions (3 x 3 windows of as
many channels as it gives), and through the bare product A^T X beside them. The operations of a
shape take turns, round by round, and every call is waited for; times are medians over the rounds.
A layer's rate is the operations of its product over the time of the whole layer, and its share is
of the rate of a large square product that takes its turn in the same rounds, in the precision of
the layer's own product: CrossLayerPooling sums in float32 under every policy, the bare product in
the policy's.

    python -m benchmarks.layers
    KERAS_BACKEND=jax python -m benchmarks.layers --policies=float32,mixed_float16 --square=8192
"""

import dataclasses
import statistics
import time
from collections.abc import Callable

from absl import flags

from benchmarks.layers.layer_shape import WINDOW, LayerShape
from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "shapes",
    ["8x28x512x512", "8x14x512x512", "32x7x256x256"],
    "Maps, as BATCHxSIDExFEATURESxGUIDANCE: images, positions a side, channels of the two maps.",
)
flags.DEFINE_list(
    "policies",
    ["float32", "mixed_bfloat16"],
    "Precisions: float32, mixed_float16, mixed_bfloat16. Many CPUs compute float16 slowly.",
)
flags.DEFINE_integer("rounds", 15, "Rounds that are timed.", 1)
flags.DEFINE_integer("warm_up", 3, "Rounds before them that are not; the first compiles.", 1)
flags.DEFINE_integer(
    "square",
    None,
    "Side of the square matrices whose product sets the machine's rate; 2048 on a CPU and 8192 on "
    "a GPU if unset.",
    1,
)
flags.DEFINE_integer("seed", 0, "Seed of the random maps.")
flags.DEFINE_string("output", "benchmarks/results/layers.json", "JSON file to write.")

_POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class _Operation:
    """Something to time.

    Attributes:
        name: str.
        function: function of `inputs` that gives one tensor.
        inputs: list of tensors.
        flop: int, operations of its product, forward; `None` where it has none.
        product_dtype: str, the precision of its product; `None` where it has none.
    """

    name: str
    function: Callable
    inputs: list
    flop: int | None = None
    product_dtype: str | None = None


def main(_):
    import keras

    from benchmarks.layers.backends import current_backend
    from benchmarks.record import write_record
    from benchmarks.table import rows_table
    from keras_crosspool.progress import track

    shapes = [LayerShape.parse(text) for text in FLAGS.shapes]
    unknown = sorted(set(FLAGS.policies) - set(_POLICIES))
    if unknown or not shapes or not FLAGS.policies:
        raise ValueError(
            f"--policies are of {', '.join(_POLICIES)}, and --shapes not empty. "
            f"Received: --policies={','.join(FLAGS.policies)} --shapes={','.join(FLAGS.shapes)}"
        )
    backend = current_backend()
    square = FLAGS.square or (2048 if backend.device == "CPU" else 8192)
    keras.utils.set_random_seed(FLAGS.seed)
    pairs = [(policy, shape) for policy in FLAGS.policies for shape in shapes]
    rows = [
        row
        for policy, shape in track(pairs, "layers")
        for row in _rows(backend, policy, shape, square)
    ]
    record = _record(backend, square, rows)
    write_record(FLAGS.output, record)
    print(f"{rows_table(rows)}\n{record['data']}\nwritten: {FLAGS.output}")


def _record(backend, square, rows):
    from keras_crosspool.versions import package_versions

    return {
        "data": f"Random maps; {backend.name} on {backend.device}; square of side {square}",
        "backend": backend.name,
        "device": backend.device,
        "versions": package_versions("keras", *backend.packages),
        "rounds": FLAGS.rounds,
        "square": square,
        "rows": rows,
    }


def _rows(backend, policy, shape, square):
    operations = _operations(policy, shape)
    dtypes = {operation.product_dtype for operation in operations} - {None}
    squares = {dtype: _square_product(backend, square, dtype) for dtype in sorted(dtypes)}
    seconds = _medians(backend, {**squares, **_calls(backend, operations)})
    for operation in operations:
        forward = seconds[operation.name, "forward"]
        row = {
            **dataclasses.asdict(shape),
            "policy": policy,
            "operation": operation.name,
            "forward_ms": 1e3 * forward,
            "forward_and_backward_ms": 1e3 * seconds[operation.name, "pullback"],
        }
        if operation.flop:
            rate = operation.flop / forward
            square_rate = 2 * square**3 / seconds[operation.product_dtype]
            row |= {
                "product_in": operation.product_dtype,
                "gflop": operation.flop / 1e9,
                "gflop/s": rate / 1e9,
                "square_gflop/s": square_rate / 1e9,
                "share_of_square": rate / square_rate,
            }
        yield row


def _square_product(backend, side, dtype):
    from keras import ops

    return backend.bind(ops.matmul, *(_random((side, side), dtype) for _ in range(2)))


def _operations(policy, shape):
    import keras
    from keras import ops

    from keras_crosspool.layers import CrossLayerPooling, LocalRegions, SignedSquareRoot

    dtype = keras.DTypePolicy(policy).compute_dtype
    batch, side = shape.batch, shape.side
    features = _random((batch, side, side, shape.features), dtype)
    guidance = _random((batch, side, side, shape.guidance), dtype)
    rows = [ops.reshape(x, (batch, side**2, -1)) for x in (features, guidance)]
    descriptor = _random((batch, shape.guidance * shape.features), dtype)
    margin = side + WINDOW - 1
    maps = _random((batch, margin, margin, shape.features), dtype)

    pooling, root = CrossLayerPooling(dtype=policy), SignedSquareRoot(dtype=policy)
    regions = LocalRegions(shape.features, WINDOW, dtype=policy)
    regions.build(maps.shape)
    weights = [ops.convert_to_tensor(variable.value) for variable in regions.variables]
    pooled_in = keras.backend.standardize_dtype(pooling.pool([features, guidance]).dtype)

    def transpose_and_multiply(x, a):
        return ops.matmul(ops.transpose(a, (0, 2, 1)), x)

    def pool(x, a):
        return pooling([x, a])

    def take_root(x):
        return root(x)

    def project(x, *values):
        # The layer itself is called, not its `stateless_call`, which would not cast the weights.
        with keras.StatelessScope(zip(regions.variables, values, strict=True)):
            return regions(x)

    return [
        _Operation("A^T X", transpose_and_multiply, rows, shape.product_flop(), dtype),
        _Operation(
            "CrossLayerPooling", pool, [features, guidance], shape.product_flop(), pooled_in
        ),
        _Operation("SignedSquareRoot", take_root, [descriptor]),
        _Operation("LocalRegions", project, [maps, *weights], shape.window_flop(), dtype),
    ]


def _calls(backend, operations):
    """Functions without arguments: each operation forward, and forward and backward."""
    calls = {}
    for operation in operations:
        forward = backend.bind(operation.function, *operation.inputs)
        output = forward()
        cotangent = _random(output.shape, output.dtype)
        pullback = backend.pullback(operation.function)
        calls[operation.name, "forward"] = forward
        calls[operation.name, "pullback"] = backend.bind(pullback, cotangent, *operation.inputs)
    return calls


def _medians(backend, calls):
    """Median seconds of each call over the rounds, in which the calls take turns."""
    samples = {name: [] for name in calls}
    for number in range(FLAGS.warm_up + FLAGS.rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            backend.wait(call())
            if number >= FLAGS.warm_up:
                samples[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in samples.items()}


def _random(shape, dtype):
    import keras

    return keras.ops.cast(keras.random.normal(shape), keras.backend.standardize_dtype(dtype))


if __name__ == "__main__":
    run(main)
