"""Makes multi-label images: montages of several products each, from single-label images.

Each montage holds a few different classes in cells of a 2 x 2 grid, at varied places and sizes.
The classes come equally often, so every one occurs. Photographs are shared out among groups of
montages, named in the column `group`, so that cross-validation never meets a photograph that it has
learned; montages to train on are made of the training
split alone and those to test on of the other, so no photograph is in both. Written whole or not at
all: `OUTPUT/train/labels.csv` and `OUTPUT/test/labels.csv`, each beside its JPEGs.

    python -m tools.montages --data=data/grocery_mini --test_split=test --output=montages
    python -m keras_crosspool.train --data=montages --val_split=test --output=model
"""

import csv
import pathlib

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data", "data/grocery_mini", "Single-label images: split/class/*.jpg, or tfds:NAME."
)
flags.DEFINE_string("train_split", "train", "Split whose images the training montages show.")
flags.DEFINE_string("test_split", "val", "Split whose images the test montages show.")
flags.DEFINE_string("output", None, "Folder to write; it must not exist yet.", required=True)
flags.DEFINE_integer("train", 800, "Montages to train on.", 1)
flags.DEFINE_integer("test", 300, "Montages to test on.", 1)
flags.DEFINE_integer("fewest", 2, "Products of a montage, at least.", 1, 4)
flags.DEFINE_integer("most", 4, "Products of a montage, at most.", 1, 4)
flags.DEFINE_integer("image_size", 448, "Side of a montage in pixels.", 32)
flags.DEFINE_integer("seed", 0, "Seed of all that is drawn.")

_GROUPS = 10  # at most: of fewer photographs than that, each is a group's only one of its class
_CELLS = 2  # a side
_SMALLEST = 0.65  # of a cell's side


def main(_):
    import numpy as np

    from keras_crosspool.data import open_split
    from keras_crosspool.files import atomic_path
    from keras_crosspool.targets import SINGLE_LABEL

    output = pathlib.Path(FLAGS.output)
    if output.exists():
        raise ValueError(f"--output exists: remove it or name another folder. Received: {output}")
    if FLAGS.fewest > FLAGS.most:
        raise ValueError(f"--fewest is more than --most. Received: {FLAGS.fewest}, {FLAGS.most}")
    training = open_split(FLAGS.data, FLAGS.train_split, task=SINGLE_LABEL.name)
    test = open_split(FLAGS.data, FLAGS.test_split, training.class_names, task=SINGLE_LABEL.name)
    _check(training)
    with atomic_path(output) as folder:
        for number, (name, split, count) in enumerate(
            (("train", training, FLAGS.train), ("test", test, FLAGS.test))
        ):
            rng = np.random.default_rng((FLAGS.seed, number))
            _write_split(folder / name, split, count, rng)
    print(f"written: {output}, {FLAGS.train} montages to train on and {FLAGS.test} to test on")


def _check(training):
    names = training.class_names
    if len(names) < FLAGS.most:
        raise ValueError(
            f"A montage shows different classes, and the data has {len(names)} classes; lower "
            f"--most. Received: --most={FLAGS.most}"
        )
    if FLAGS.train * FLAGS.fewest < len(names):
        raise ValueError(
            f"Too few montages for all {len(names)} classes to occur; raise --train or --fewest. "
            f"Received: --train={FLAGS.train} --fewest={FLAGS.fewest}"
        )


def _write_split(folder, split, count, rng):
    from PIL import Image

    from keras_crosspool.data.class_list import join_classes
    from keras_crosspool.progress import track

    images = {}
    for encoded, label in zip(split.encoded(range(split.size)), split.labels, strict=True):
        images.setdefault(int(label), []).append(encoded)
    for members in images.values():
        rng.shuffle(members)
    groups = min(_GROUPS, *map(len, images.values()))
    folder.mkdir(parents=True)
    rows = []
    drawn = draw_labels(sorted(images), count, FLAGS.fewest, FLAGS.most, rng)
    for index, labels in enumerate(track(drawn, f"montages of {split.name}")):
        group = index % groups
        pools = [images[label][group::groups] for label in labels]
        chosen = [pool[rng.integers(len(pool))] for pool in pools]
        file = f"{index:05d}.jpg"
        Image.fromarray(montage(chosen, FLAGS.image_size, rng)).save(folder / file, quality=92)
        names = sorted(split.class_names[label] for label in labels)
        rows.append((file, join_classes(names), f"{split.name}-{group}"))
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("file", "labels", "group"), *rows])


def draw_labels(classes, count, fewest, most, rng):
    """Draws the classes of each montage: different ones, and over all equally often.

    Args:
        classes: sequence of int.
        count: int, number of montages.
        fewest: int, classes of a montage, at least.
        most: int, at most.
        rng: `numpy.random.Generator`.

    Returns:
        List of lists of int.
    """
    import numpy as np

    used = np.zeros(len(classes), int)
    montages = []
    for _ in range(count):
        wanted = rng.integers(fewest, most + 1)
        # The least used first, and among those at random.
        chosen = np.lexsort((rng.random(len(classes)), used))[:wanted]
        used[chosen] += 1
        montages.append([classes[index] for index in chosen])
    return montages


def montage(encoded, image_size, rng):
    """Lays images out in cells of a grid, each at a place and of a size of its own.

    Args:
        encoded: list of bytes, at most four images.
        image_size: int, side of the montage in pixels.
        rng: `numpy.random.Generator`.

    Returns:
        uint8 array `(image_size, image_size, 3)`, on a plain ground of a colour of its own.
    """
    import numpy as np

    from keras_crosspool.data import decode_image

    canvas = np.empty((image_size, image_size, 3), "uint8")
    canvas[:] = rng.integers(64, 224, 3)
    cell = image_size // _CELLS
    cells = rng.permutation(_CELLS**2)[: len(encoded)]
    for data, place in zip(encoded, cells, strict=True):
        side = round(cell * rng.uniform(_SMALLEST, 1))
        corner = np.array(divmod(place, _CELLS)) * cell + rng.integers(cell - side + 1, size=2)
        top, left = corner
        canvas[top : top + side, left : left + side] = decode_image(data, side)
    return canvas


if __name__ == "__main__":
    run(main)
