"""Exports a model directory as a TFLite file, proven on real images.

python -m export.tflite --model=DIR --output=model.tflite --precision=int8
"""

from keras_crosspool.exporting.exporter_main import run_export

if __name__ == "__main__":
    run_export("tflite")
