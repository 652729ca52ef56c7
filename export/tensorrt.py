"""Exports a model directory as a TensorRT engine, proven on real images.

python -m export.tensorrt --model=DIR --output=model.engine --precision=float16
"""

from keras_crosspool.exporting.exporter_main import run_export

if __name__ == "__main__":
    run_export("tensorrt")
