"""What earlier, larger maps add to scheme 1, on other photographs.

Scheme 1 is solved on the last pair of feature maps of the network, on the last pair of larger maps,
and on both together, with the global average beside them. All of them come from one pass over the
images of each data set. The gain over scheme 1 on the last pair has its 95 % interval, paired, by
sessions.

    python -m benchmarks.pairs --data=photos,others --image_sizes=288,288 --val_split=val
"""

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images split/class/*.jpg.")
flags.DEFINE_list("image_sizes", ["288"], "Side of the images of each of them, in pixels.")
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("weights", "imagenet", "Its weights.")
flags.DEFINE_string("output", "benchmarks/results/pairs.json", "JSON file of the scores.")


def main(_):
    from benchmarks.data_sets import data_sets
    from benchmarks.pairs.compared import compare_pairs
    from benchmarks.record import write_record
    from benchmarks.table import rows_table
    from keras_crosspool.config.training_config import TrainingConfig

    shared = {name: FLAGS[name].value for name in ("val_split", "backbone", "weights")}
    rows = [
        row
        for data, size in data_sets(FLAGS.data, FLAGS.image_sizes)
        for row in compare_pairs(
            TrainingConfig.of(
                data=data, image_size=size, scheme="scheme1+scheme1_earlier", **shared
            )
        )
    ]
    data = "Scheme 1 on two pairs of feature maps, by cross-validation and on other photographs"
    arguments = {"data": FLAGS.data, "image_sizes": FLAGS.image_sizes, **shared}
    write_record(FLAGS.output, {"data": data, "arguments": arguments, "rows": rows})
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


if __name__ == "__main__":
    run(main, needs="tensorflow")
