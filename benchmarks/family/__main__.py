"""Accuracy of all second-order heads on the same feature maps, solved in closed form.

The two default maps of a frozen network are computed once an image. PCA and selection of channels
bring both to as many channels, and every head pools them: the earlier map with the later one as
guidance, or the later map alone. A ridge classifier is solved on the descriptors of the training
split at unit length, alpha by cross-validation that holds sessions together, and scored on the
validation split. What the papers train, projections of the hierarchical and the projected
covariance head, is random here.

    python -m benchmarks.family --data=photos,others --image_sizes=224,224 --val_split=val
"""

import dataclasses
import pathlib

import numpy as np
from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images split/class/*.jpg.")
flags.DEFINE_list("image_sizes", ["224"], "Side of the images of each of them, in pixels.")
flags.DEFINE_string("val_split", "test", "Split to score on.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_integer("channels", 256, "Channels of the maps that are pooled.", 1)
flags.DEFINE_integer("units", 8192, "Length of the sketches and of the hierarchical head.", 4)
flags.DEFINE_integer("seed", 0, "Seed of the random projections.", 0)
flags.DEFINE_string("output", "benchmarks/results/family.json", "JSON file to write.")

_BATCH = 32
_ARGUMENTS = ("data", "image_sizes", "val_split", "backbone", "channels", "units", "seed")


@dataclasses.dataclass(frozen=True)
class _Images:
    """The maps of a split's images by name, their labels and their sessions."""

    maps: dict
    labels: np.ndarray
    groups: np.ndarray


def main(_):
    from benchmarks.data_sets import data_sets
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = [
        row
        for data, size in data_sets(FLAGS.data, FLAGS.image_sizes)
        for row in _rows_of(data, size)
    ]
    arguments = {name: FLAGS[name].value for name in _ARGUMENTS}
    arguments["data"] = [pathlib.Path(data).name for data in FLAGS.data]
    shown = f"Frozen network, maps of {FLAGS.channels} channels, whole images"
    write_record(FLAGS.output, {"data": shown, "arguments": arguments, "rows": rows})
    print(f"{rows_table(rows)}\nwritten: {FLAGS.output}")


def _rows_of(data, size):
    """A row for each head on one data set."""
    from benchmarks.family.heads import REFERENCE, all_heads
    from keras_crosspool.numerics.intervals import difference_interval, score_interval
    from keras_crosspool.progress import track

    training, validation = _images(data, size)
    heads = {}
    for head in track(all_heads(FLAGS.units, FLAGS.seed), pathlib.Path(data).name):
        heads[head] = _solve(head, training, validation)
    reference = next(right for head, (right, _) in heads.items() if head.name == REFERENCE)
    for head, (right, dims) in heads.items():
        row = {"data": pathlib.Path(data).name, "head": head.name, "maps": ", ".join(head.maps)}
        row |= {"values": dims, "accuracy": float(right.mean())}
        row |= _ends("", score_interval(lambda x, r=right: r[x].mean(), validation.groups, True))
        if right is not reference:
            # Of the same images, so that it is known better than either accuracy.
            gain = right.astype("float64") - reference
            row["to cross-layer"] = float(gain.mean())
            ends = difference_interval(lambda x, g=gain: g[x].mean(), validation.groups)
            row |= _ends("to cross-layer ", ends)
        yield row


def _ends(prefix, ends):
    return {f"{prefix}from": ends[0], f"{prefix}up to": ends[1]}


def _images(data, size):
    """The maps of both splits, fitted on the training split, by the frozen network."""
    from benchmarks.family.heads import Maps
    from keras_crosspool.backbones import create_backbone
    from keras_crosspool.data import open_split
    from keras_crosspool.sessions import with_sessions

    training = with_sessions(open_split(data, "train"))
    validation = with_sessions(open_split(data, FLAGS.val_split, training.class_names))
    backbone, maps = create_backbone(FLAGS.backbone, size), None
    names = [choice.layer for choice in backbone.default_feature_maps()]
    extractor = backbone.extractor(names)
    for split in (training, validation):
        batches = [extractor(np.asarray(x, "float32")) for x, _ in split.batches(size, _BATCH)]
        of_network = [np.concatenate([batch[name] for batch in batches]) for name in names]
        maps = maps or Maps(*of_network, FLAGS.channels)
        yield _Images(maps.of(*of_network), split.labels, np.array(split.groups))


def _solve(head, training, validation):
    """Whether each validation image is told right, and the length of a descriptor."""
    from keras_crosspool.closed_form.branch import Branch
    from keras_crosspool.closed_form.classifier import solve_branches

    own, others = (_descriptors(head, images) for images in (training, validation))
    classes = int(training.labels.max()) + 1
    solved = solve_branches([Branch(own)], training.labels, classes, groups=training.groups)
    logits = solved.logits(others)
    return logits.argmax(axis=1) == validation.labels, own.shape[1]


def _descriptors(head, images):
    """The descriptors of all images at unit length."""
    from keras import ops

    found = []
    for start in range(0, len(images.labels), _BATCH):
        maps = [images.maps[name][start : start + _BATCH] for name in head.maps]
        found.append(ops.convert_to_numpy(head.layer(maps)))
    descriptors = np.concatenate(found)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    return descriptors


if __name__ == "__main__":
    run(main, needs="tensorflow")
