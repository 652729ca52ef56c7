"""All networks, from the classifier to the file: what passes, and the reason of what does not.

Each network is built, its gradient is taken, a small head is solved on real images, saved, loaded
and exported in every format and precision, each file held to the parity that every export is held
to. Networks without weights that come with a package have random ones, whose activations are
brought to an ordinary size (`settled.py`).

Each network runs in a process of its own and has a row of its own in the folder OUTPUT-rows. A run
that was stopped goes on with the networks that have none:

    python -m benchmarks.zoo '--networks=*lite*,mobilenet*,*'
"""

import pathlib

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "networks", ["*"], "Names or patterns of networks, which are run in the order of the patterns."
)
flags.DEFINE_list("formats", ["all"], "all, or a list of NAME or NAME:PRECISION.")
flags.DEFINE_string("data", "data/grocery_mini", "Folder of images: train and test/class/*.jpg.")
flags.DEFINE_integer(
    "image_size",
    None,
    "Side of the images in pixels. Default: 128, and more where a network's last map is small.",
    32,
)
flags.DEFINE_string(
    "output",
    "benchmarks/results/zoo.json",
    "JSON file of the table; NAME_reasons.json beside it tells what did not pass, and why.",
)

_ARGUMENTS = ("networks", "formats", "image_size")


def main(_):
    from benchmarks.machine import library_versions
    from benchmarks.zoo.rows import RowFolder
    from benchmarks.zoo.settings import ZooSettings
    from benchmarks.zoo.study import check_rows_are_there, reasons_path, run_networks
    from keras_crosspool.exporting import formats

    chosen = tuple(
        f"{row.name}:{precision}" for row, precision in formats.parse_list(FLAGS.formats)
    )
    settings = ZooSettings(chosen, FLAGS.data, FLAGS.image_size, library_versions())
    networks = _networks(FLAGS.networks)
    output = pathlib.Path(FLAGS.output)
    folder = RowFolder(output.with_name(f"{output.stem}-rows"), settings)
    check_rows_are_there(output, folder)
    arguments = {name: FLAGS[name].value for name in _ARGUMENTS}
    run_networks(folder, networks, output, arguments)
    print(f"written: {output} and {reasons_path(output)}")


def _networks(patterns):
    """Networks that fit the patterns, in their order, each once."""
    from benchmarks.patterns import matching
    from keras_crosspool.backbones import list_backbones

    names, unknown = matching(patterns, list_backbones)
    if unknown or not names:
        raise ValueError(
            "--networks is a list of names or patterns of "
            f"`keras_crosspool.backbones.list_backbones()`. Received: {', '.join(unknown)}"
        )
    return names


if __name__ == "__main__":
    run(main, needs="backend")
