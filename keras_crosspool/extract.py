"""Writes the descriptors of all pictures of a split, for search and for models of your own.

The output is a folder of shards (.npy, to be memory-mapped), with the picture, class, shard and row
of every descriptor in index.csv and the model and data behind them in descriptors.json. A run that
was killed is taken up by the same command and ends in the same bytes.

    python -m keras_crosspool.extract --model=model --output=descriptors --format=packed
"""

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "Model directory, as train writes it.", required=True)
flags.DEFINE_string(
    "data", None, "Folder of pictures split/class/*.jpg, or tfds:NAME; the training data if unset."
)
flags.DEFINE_string("split", "train", "Split to describe.")
flags.DEFINE_string("output", None, "Folder to write, or to finish.", required=True)
flags.DEFINE_enum(
    "format",
    "float16",
    ["float32", "float16", "packed"],
    "How a value is kept: 32 bits; 16 bits; or 2 bits, its sign where it is among the largest "
    "tenth of its descriptor and zero elsewhere.",
)
flags.DEFINE_integer("batch_size", 32, "Pictures computed at once.", 1)
flags.DEFINE_integer(
    "shard_size",
    512,
    "Descriptors in a file, a multiple of --batch_size; after a kill at most so many are computed "
    "again.",
    1,
)
flags.DEFINE_bool("skip_broken", False, "Leave broken pictures out instead of stopping.")


def main(_):
    from keras_crosspool.retrieval import extract

    done = extract(
        FLAGS.model,
        FLAGS.output,
        FLAGS.data,
        FLAGS.split,
        FLAGS.format,
        FLAGS.batch_size,
        FLAGS.shard_size,
        FLAGS.skip_broken,
    )
    _print(done)


def _print(done):
    record = done.store.record
    size = sum(path.stat().st_size for path in done.store.directory.iterdir())
    print(
        f"{record.pictures} pictures of {record.split}, {record.dims} values each as "
        f"{record.format}: {size / 1e6:.1f} MB in {len(record.shards)} shards"
    )
    if done.computed < record.pictures:
        print(f"{record.pictures - done.computed} of them were there already")
    if done.computed:
        print(f"{done.computed / done.seconds:.1f} pictures/s")
    print(f"descriptors: {FLAGS.output}")


if __name__ == "__main__":
    run(main)
