"""Writes the descriptors of all images of a split, for search and for models of your own.

The output is a folder of shards (.npy, to be memory-mapped), with the image, class, shard and row
of every descriptor in index.csv and the model and data behind them in descriptors.json. A run that
was killed is taken up by the same command and ends in the same bytes.

    python -m keras_crosspool.extract --model=model --output=descriptors --format=packed
"""

from keras_crosspool.mains import run


def main(_):
    from keras_crosspool.retrieval import flags as extraction_flags
    from keras_crosspool.retrieval.extraction import run_extraction

    done = run_extraction(extraction_flags.extraction_config())
    extraction_flags.print_extraction(done)


if __name__ == "__main__":
    run(main, needs="tensorflow", flag_module="keras_crosspool.retrieval.flags")
