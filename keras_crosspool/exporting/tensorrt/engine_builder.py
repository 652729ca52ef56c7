"""Builds TensorRT engines: one code path over the API that TensorRT and TensorRT-RTX share."""

import collections
import dataclasses
import importlib
import pathlib

PRODUCTS = ("tensorrt", "tensorrt_rtx")
# RTX engines are built ahead of time for named targets; these are the GPUs sold since 2020.
_RTX_TARGETS = ("SM86", "SM89", "SM120")
_IMAGE_RANGE = (0.0, 255.0)
_LOG_LINES = 8


@dataclasses.dataclass(frozen=True)
class EngineOptions:
    """How an engine is built.

    Args:
        product: `"tensorrt"` or `"tensorrt_rtx"`.
        profile: triple of int, the least, the best and the largest batch.
        compute_capabilities: targets such as `"SM89"`, for RTX alone; empty means SM86, SM89 and
            SM120.
        workspace_mb: int, the most scratch memory of a layer in MB; `0` is TensorRT's own choice.
        timing_cache: str, path of a file of kernel timings, for `tensorrt` alone; empty for none.
    """

    product: str
    profile: tuple[int, int, int]
    compute_capabilities: tuple[str, ...] = ()
    workspace_mb: int = 0
    timing_cache: str = ""


@dataclasses.dataclass(frozen=True)
class Engine:
    """A serialised engine and what is known of its network.

    Attributes:
        content: bytes.
        operators: dict, kind of layer to count.
        inputs: tuple of dicts, see `Artefact`.
        outputs: likewise.
        details: dict with product, version, compute capabilities and profile.
    """

    content: bytes
    operators: dict
    inputs: tuple
    outputs: tuple
    details: dict


def find_product(product="auto"):
    """Names the TensorRT product to use and imports it.

    Args:
        product: `"tensorrt"`, `"tensorrt_rtx"` or `"auto"` (the default), whichever is installed.

    Returns:
        Pair of the name and the module.

    Raises:
        ValueError: if there is no such product.
        ImportError: if it is not installed.
    """
    if product not in ("auto", *PRODUCTS):
        raise ValueError(f"`product` is auto, {' or '.join(PRODUCTS)}. Received: {product!r}")
    for name in PRODUCTS if product == "auto" else (product,):
        try:
            return name, importlib.import_module(name)
        except ImportError:
            continue
    wanted = "tensorrt or tensorrt-rtx" if product == "auto" else product.replace("_", "-")
    raise ImportError(
        f"TensorRT is not installed. Run `pip install {wanted}`. Received: `product={product}`"
    )


def parse_profile(text):
    """Reads `"1/8/32"`, the least, the best and the largest batch.

    Raises:
        ValueError: if it is not three rising numbers.
    """
    parts = text.split("/")
    if len(parts) == 3 and all(part.isdecimal() for part in parts):
        least, best, largest = map(int, parts)
        if 1 <= least <= best <= largest:
            return least, best, largest
    raise ValueError(
        "`profile` is the least, the best and the largest batch, such as 1/8/32. "
        f"Received: {text!r}"
    )


def build_engine(proto, options):
    """Builds an engine of an ONNX graph; its precision is that of the graph's types.

    Args:
        proto: `onnx.ModelProto` that `onnx_graph.check` accepts.
        options: `EngineOptions`.

    Returns:
        `Engine`.

    Raises:
        ValueError: if the graph does not parse, an option does not fit the product, or the
            engine does not build; with the parser's errors or the end of TensorRT's log.
    """
    _, trt = find_product(options.product)
    log = _make_log(trt)
    builder = _make_builder(trt, log)
    network = builder.create_network(_network_flags(trt))
    _parse(trt, network, log, proto)
    config = builder.create_builder_config()
    if options.workspace_mb:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
    targets = _set_targets(trt, config, options)
    _set_profile(builder, network, config, options.profile)
    cache = _load_timing_cache(config, options)
    serialised = builder.build_serialized_network(network, config)
    if serialised is None:
        raise ValueError(
            f"{options.product} parsed the graph and did not build it for {', '.join(targets)}. "
            f"Received: {_last_lines(log)}"
        )
    if cache is not None:
        from keras_crosspool.files import atomic_path  # lazy: runners import this without Keras

        with atomic_path(options.timing_cache) as file:
            file.write_bytes(bytes(config.get_timing_cache().serialize()))
    return Engine(
        bytes(serialised),
        _count_layers(network),
        tuple(_tensor_info(network.get_input(i)) for i in range(network.num_inputs)),
        tuple(_tensor_info(network.get_output(i)) for i in range(network.num_outputs)),
        {
            "product": options.product,
            "version": trt.__version__,
            "compute_capabilities": targets,
            "profile": dict(zip(("min", "opt", "max"), options.profile, strict=True)),
            "workspace_mb": options.workspace_mb,
        },
    )


def _make_log(trt):
    class Log(trt.ILogger):
        """Keeps warnings and errors for the error message."""

        def __init__(self):
            super().__init__()
            self.lines = []

        def log(self, severity, message):
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR, trt.ILogger.WARNING):
                self.lines.append(f"{severity.name}: {message}")

    return Log()


def _last_lines(log):
    return " | ".join(log.lines[-_LOG_LINES:]) or "nothing in its log"


def _make_builder(trt, log):
    try:
        return trt.Builder(log)
    except TypeError as error:
        raise ValueError(
            f"{trt.__name__} cannot build here: it needs an NVIDIA driver. Export on a GPU "
            f"machine, or use `product=tensorrt_rtx`, which builds without. Received: {error}"
        ) from error


def _network_flags(trt):
    # TensorRT 10 asks for strong typing; from 11 on, as in RTX, there is nothing else.
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if typed is None else 1 << int(typed)


def _parse(trt, network, log, proto):
    parser = trt.OnnxParser(network, log)
    if not parser.parse(proto.SerializeToString()) or parser.num_errors:
        errors = [parser.get_error(i) for i in range(parser.num_errors)]
        named = [f"{e.node_name()} ({e.node_operator()}): {e.desc()}" for e in errors]
        raise ValueError(
            f"{trt.__name__} does not parse the graph. Received: "
            f"{' | '.join(named) or _last_lines(log)}"
        )


def _set_targets(trt, config, options):
    if options.product == "tensorrt":
        if options.compute_capabilities:
            raise ValueError(
                "`compute_capabilities` applies to tensorrt_rtx alone: tensorrt builds for the GPU "
                f"of this machine. Received: {', '.join(options.compute_capabilities)}"
            )
        from keras_crosspool.exporting.tensorrt.cuda import device_capability

        return (device_capability(),)
    names = options.compute_capabilities or _RTX_TARGETS
    known = trt.ComputeCapability.__members__
    for name in names:
        if not name.startswith("SM") or name not in known:
            targets = [target for target in known if target.startswith("SM")]
            raise ValueError(
                f"`compute_capabilities` is a list of {', '.join(targets)}. Received: {name!r}"
            )
    config.num_compute_capabilities = len(names)
    for i, name in enumerate(names):
        if not config.set_compute_capability(known[name], i):
            raise ValueError(f"{options.product} has no target of that name. Received: {name}")
    return tuple(names)


def _set_profile(builder, network, config, batches):
    image = network.get_input(0)
    if image.shape[0] != -1:
        return
    profile = builder.create_optimization_profile()
    profile.set_shape(image.name, *((batch, *tuple(image.shape)[1:]) for batch in batches))
    config.add_optimization_profile(profile)


def _load_timing_cache(config, options):
    if not options.timing_cache:
        return None
    if options.product != "tensorrt":
        raise ValueError(
            "`timing_cache` applies to tensorrt alone: tensorrt_rtx times nothing when it builds. "
            f"Received: {options.timing_cache}"
        )
    path = pathlib.Path(options.timing_cache)
    cache = config.create_timing_cache(path.read_bytes() if path.exists() else b"")
    if not config.set_timing_cache(cache, ignore_mismatch=False):
        raise ValueError(
            f"The timing cache was made on another GPU or TensorRT; remove it. Received: {path}"
        )
    return cache


def _count_layers(network):
    kinds = (network.get_layer(i).type.name for i in range(network.num_layers))
    return dict(collections.Counter(kinds).most_common())


def _tensor_info(tensor):
    shape = [None if size == -1 else size for size in tensor.shape]
    return {
        "name": tensor.name,
        "shape": shape,
        "dtype": {"FLOAT": "float32", "HALF": "float16"}.get(tensor.dtype.name, tensor.dtype.name),
        "range": _IMAGE_RANGE if tensor.is_network_input else None,
    }
