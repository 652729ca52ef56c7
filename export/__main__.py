"""Exports a model directory in every format that this machine can make, all proven alike.

    python -m export --model=DIR --output=DIR --formats=tflite:int8,onnx

A format that fails leaves no file and does not stop the others; the exit code is 1 and the reasons
stand at the end.
"""

from keras_crosspool.exporting.mains import export_all
from keras_crosspool.mains import run

if __name__ == "__main__":
    run(export_all.main, needs="backend", flag_module=export_all.__name__)
