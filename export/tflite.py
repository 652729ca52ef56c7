"""Exports a model directory as a TFLite file, proven on real images.

python -m export.tflite --model=DIR --output=model.tflite --precision=int8
"""

from keras_crosspool.exporting.mains import export_tflite
from keras_crosspool.mains import run

if __name__ == "__main__":
    run(export_tflite.main, needs="backend", flag_module=export_tflite.__name__)
