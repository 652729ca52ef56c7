"""TensorRT engines, built from the ONNX graph, and their runtime.

A `Source` comes in; an engine for one kind of GPU goes out. Start at `exporter.py`. For one more
product or target touch `engine_builder.py`.
"""
