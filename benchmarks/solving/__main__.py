"""Time and memory of solving beside bare passes of the same network over the same views.

Each number of images is measured in a process of its own: first the bare passes, one over the
images, as the projection takes, and one over all their views; then the whole closed-form fit of
scheme 1 with the global average beside it. Both times hold reading and decoding.

    python -m benchmarks.solving --data=grocery_store --images=125,402,1608
"""

import concurrent.futures
import multiprocessing

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images split/class/*.jpg.")
flags.DEFINE_string("split", "train", "Split to solve on.")
flags.DEFINE_list("images", ["64", "128"], "Numbers of images, evenly from the split.")
flags.DEFINE_integer("image_size", 320, "Side of the images, in pixels.", 1)
flags.DEFINE_list("crop_scales", ["1.0", "0.8"], "As train takes them; a crop is two views.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")
flags.DEFINE_string("output", "benchmarks/results/solving.json", "JSON file to write.")


def main(_):
    from benchmarks.record import write_record
    from benchmarks.solving.measuring import Setting, measure
    from benchmarks.table import rows_table

    context, rows = multiprocessing.get_context("spawn"), []
    for images in map(int, FLAGS.images):
        setting = Setting(
            FLAGS.data,
            FLAGS.split,
            images,
            FLAGS.image_size,
            tuple(map(float, FLAGS.crop_scales)),
            FLAGS.backbone,
            FLAGS.weights,
        )
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            rows.append(pool.submit(measure, setting).result())
        print(rows[-1], flush=True)
    names = ("data", "split", "images", "image_size", "crop_scales", "backbone", "weights")
    arguments = {name: FLAGS[name].value for name in names}
    data = "Solving scheme 1 and the global average, beside bare passes of the network"
    write_record(FLAGS.output, {"data": data, "arguments": arguments, "rows": rows})
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


if __name__ == "__main__":
    run(main, needs="tensorflow")
