"""ONNX: converter, int8 quantizer, inspection of graphs, and ONNX Runtime as the runtime.

A `Source` comes in; a `.onnx` file goes out. Start at `exporter.py`. For one more treatment of
int8 operators touch `recipe.py`.
"""
