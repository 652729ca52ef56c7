"""Exports a model directory as an ONNX file, proven on real images.

python -m export.onnx --model=DIR --output=model.onnx --precision=float16
"""

from keras_crosspool.exporting.exporter_main import run_export

if __name__ == "__main__":
    run_export("onnx")
