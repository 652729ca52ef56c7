"""Data sets of the TensorFlow Datasets catalogue, or built by its folder builders."""

import hashlib
import json

from keras_crosspool.data.split import Split, label_indices


def open_tfds_split(name, split, class_names=None):
    """Opens a split of a TFDS data set with `image` and `label` features; see `open_split`."""
    import tensorflow_datasets as tfds

    builder = _builder(name)
    features = builder.info.features
    if not {"image", "label"} <= set(features):
        raise ValueError(
            "The TFDS data set needs the features image and label. Received: "
            f"tfds:{name} with {', '.join(features)}"
        )
    if not builder.info.splits:
        builder.download_and_prepare()
    try:
        info = builder.info.splits[split]
    except (KeyError, ValueError) as error:
        splits = ", ".join(builder.info.splits)
        raise ValueError(
            f"tfds:{name} has no such split; it has: {splits}. Received: {split!r}"
        ) from error
    classes = features["label"].names
    class_names = tuple(class_names or classes)
    return Split(
        name=split,
        class_names=class_names,
        size=info.num_examples,
        fingerprint=_fingerprint(builder, split),
        encoded=lambda: _encoded(tfds, builder, split, label_indices(classes, class_names)),
    )


def _builder(name):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name)
    except (tfds.core.registered.DatasetNotFoundError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"TFDS knows no such data set ({reason}); `tfds.list_builders()` lists the names. "
            f"Received: tfds:{name}"
        ) from error


def _encoded(tfds, builder, split, indices):
    import tensorflow as tf

    dataset = builder.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1),
        shuffle_files=False,
    )
    table = tf.constant(indices, tf.int32)
    return dataset.map(lambda x: (x["image"], table[x["label"]], x["tfds_id"]), tf.data.AUTOTUNE)


def _fingerprint(builder, split):
    identity = {
        "name": builder.info.full_name,
        "split": split,
        "shards": {k: list(v.shard_lengths) for k, v in builder.info.splits.items()},
        "bytes": {k: v.num_bytes for k, v in builder.info.splits.items()},
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
