"""ONNX: converter, int8 quantizer, inspection of graphs, and ONNX Runtime as the runtime."""
