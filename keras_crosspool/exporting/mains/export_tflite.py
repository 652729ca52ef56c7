"""Exports a model directory as a TFLite file, proven on real images.

crosspool export tflite --model=DIR --output=model.tflite --precision=int8
"""

from absl import flags

from keras_crosspool.exporting import flags as export_flags
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.exporter_main import export_from_flags
from keras_crosspool.mains import run

export_flags.define_common()
export_flags.define_format(formats.get_format("tflite"))
flags.adopt_module_key_flags(export_flags)


def main(_):
    export_from_flags("tflite")


if __name__ == "__main__":
    run(main, needs="backend")
