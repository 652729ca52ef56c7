"""Exports a model directory as a TensorRT engine, proven on real images.

crosspool export tensorrt --model=DIR --output=model.engine --precision=float16
"""

from absl import flags

from keras_crosspool.exporting import flags as export_flags
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.exporter_main import export_from_flags
from keras_crosspool.mains import run

export_flags.define_common()
export_flags.define_format(formats.get_format("tensorrt"))
flags.adopt_module_key_flags(export_flags)


def main(_):
    export_from_flags("tensorrt")


if __name__ == "__main__":
    run(main, needs="backend")
