"""TFLite: converter, int8 quantizer, inspection of files, and LiteRT as the runtime.

A `Source` comes in; a `.tflite` file goes out. Start at `exporter.py`. For one more precision touch
`exporter.py` and the row of TFLite in `keras_crosspool.exporting.formats`.
"""
