"""Exporters: a trained model as TFLite, ONNX or a TensorRT engine, proven on real pictures."""
