"""TensorRT engines, built from the ONNX graph, and their runtime."""
