"""Exports a model directory in the format that is named first, proven on real images.

python -m keras_crosspool.exporting.mains.export_format onnx --model=DIR --output=model.onnx
"""

import sys

from keras_crosspool.exporting.exporter_main import run_export, take_format

if __name__ == "__main__":
    row = take_format(sys.argv)
    __doc__ = row.usage()  # the help of `crosspool export onnx` is to speak of ONNX
    run_export(row.name)
