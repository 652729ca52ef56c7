"""Whether an engine fits this machine, said in words before TensorRT only says no."""


def check_engine_fits(record, product, version, capability):
    """Refuses an engine that this product, version or GPU cannot run.

    Args:
        record: `Artefact` of the engine.
        product: `"tensorrt"` or `"tensorrt_rtx"`, the one installed.
        version: str, its version.
        capability: compute capability of the GPU, such as `"SM89"`, or `None` without a GPU.

    Raises:
        ValueError: with everything that does not fit.
    """
    engine = record.details["engine"]
    problems = []
    if product != engine["product"]:
        problems.append(f"it was built by {engine['product']}, and {product} is installed here")
    elif version != engine["version"]:
        problems.append(
            f"it was built by {product} {engine['version']}, and version {version} is installed "
            "here: engines load on the version that built them alone"
        )
    if capability is None:
        problems.append(
            "there is no NVIDIA GPU here (a driver and `pip install cuda-bindings` are needed)"
        )
    elif capability not in engine["compute_capabilities"]:
        problems.append(
            f"it was built for {', '.join(engine['compute_capabilities'])}, and the GPU here is "
            f"{capability}"
        )
    if problems:
        raise ValueError(
            f"The engine does not fit this machine; export it again here. Received: {record.file}: "
            f"{'; '.join(problems)}"
        )
