"""Trains a model on a folder of images or a TFDS data set and writes a model directory.

The descriptor's projection and the classifier are solved in closed form, which takes seconds
beside the pass over the images; --epochs=14 then tunes the whole network through a small head of
its own and solves the classifier anew on it. The global-average baseline is solved from the same
pass and reported beside it. On several GPUs, or several machines by --workers, the same command
trains on all of them; killed at any step, the same command goes on there.

    python -m keras_crosspool.train --data=data/grocery_mini --val_split=test --output=model
"""

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "Model directory to write.", required=True)


def main(_):
    from keras_crosspool.training import flags as training_flags
    from keras_crosspool.training.summary import summary
    from keras_crosspool.training.train import train

    metadata = train(FLAGS.output, training_flags.training_config())
    print(summary(metadata, FLAGS.output))


if __name__ == "__main__":
    run(main, needs="tensorflow", flag_module="keras_crosspool.training.flags")
