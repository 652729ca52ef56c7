"""Exports a model directory as an ONNX file, proven on real images.

python -m export.onnx --model=DIR --output=model.onnx --precision=float16
"""

from keras_crosspool.exporting.mains import export_onnx
from keras_crosspool.mains import run

if __name__ == "__main__":
    run(export_onnx.main, needs="backend", flag_module=export_onnx.__name__)
