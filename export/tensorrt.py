"""Exports a model directory as a TensorRT engine, proven on real images.

python -m export.tensorrt --model=DIR --output=model.engine --precision=float16
"""

from keras_crosspool.exporting.mains import export_tensorrt
from keras_crosspool.mains import run

if __name__ == "__main__":
    run(export_tensorrt.main, needs="backend", flag_module=export_tensorrt.__name__)
