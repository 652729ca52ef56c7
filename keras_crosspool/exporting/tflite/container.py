"""The container of a quantised TFLite file: weights inside it, and what a runtime must know."""

import numpy as np

_RUNTIME = b"min_runtime_version"
_PLACEHOLDER = 127  # BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES


def parse(content):
    """Reads a TFLite file.

    Args:
        content: bytes of the file.

    Returns:
        `ModelT` of LiteRT's schema, with the data of every buffer in it.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for buffer in model.buffers:
        if buffer.data is not None:
            buffer.data = np.frombuffer(buffer.data, "uint8")  # a list would be packed byte by byte
    return model


def seal(content):
    """Rewrites a quantised TFLite file so that every runtime runs it rightly or refuses it.

    The quantiser keeps the operator versions of the float file, so that an old runtime takes int8
    weights for something else, and it puts large weights behind the flatbuffer, where only some
    readers look. Here the weights go inside, and the versions and the least runtime are those that
    TFLite's own rules give.

    Args:
        content: bytes of a TFLite file.

    Returns:
        bytes of a TFLite file that computes the same.
    """
    model = parse(content)
    state_versions(model)
    return pack(model)


def state_versions(model):
    """States the versions of the operators and the least runtime by TFLite's own rules.

    Args:
        model: `ModelT`, from `parse`; changed in place.
    """
    stated = parse(_exported(model))
    versions = _versions(stated)
    for code in model.operatorCodes:
        code.version = versions[_builtin(code)]
        # Readers from before there were 127 operators, and some newer ones, look here alone.
        code.deprecatedBuiltinCode = min(_builtin(code), _PLACEHOLDER)
    _metadata_buffer(model).data = _metadata_buffer(stated).data


def minimum_runtime(content):
    """The least version of TensorFlow Lite that a file says it needs, as str."""
    return bytes(_metadata_buffer(parse(content)).data).rstrip(b"\0").decode()


def _exported(model):
    """The file as TFLite's own exporter writes it, which applies the rules; weights are left out.

    The one way to that exporter also stores sparse weights in another form, with operators of their
    own; so every weight is set to one.
    """
    from ai_edge_litert.schema_py_generated import TensorType
    from tensorflow.lite.python.convert import mlir_sparsify

    model = parse(pack(model))
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            buffer = model.buffers[tensor.buffer]
            if tensor.type in (TensorType.FLOAT32, TensorType.INT8) and buffer.data is not None:
                buffer.data = np.ones_like(buffer.data)
    return mlir_sparsify(pack(model))


def _versions(model):
    """The highest version of each operator of a model: dict, builtin code to int."""
    versions = {}
    for code in model.operatorCodes:
        versions[_builtin(code)] = max(code.version, versions.get(_builtin(code), 1))
    return versions


def _builtin(code):
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _metadata_buffer(model):
    entry = next(entry for entry in model.metadata if entry.name == _RUNTIME)
    return model.buffers[entry.buffer]


def pack(model):
    """Writes a model that `parse` read: bytes."""
    from ai_edge_litert.tools import flatbuffer_utils

    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
