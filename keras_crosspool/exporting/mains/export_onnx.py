"""Exports a model directory as an ONNX file, proven on real images.

crosspool export onnx --model=DIR --output=model.onnx --precision=float16
"""

from absl import flags

from keras_crosspool.exporting import flags as export_flags
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.exporter_main import export_from_flags
from keras_crosspool.mains import run

export_flags.define_common()
export_flags.define_format(formats.get_format("onnx"))
flags.adopt_module_key_flags(export_flags)


def main(_):
    export_from_flags("onnx")


if __name__ == "__main__":
    run(main, needs="backend")
