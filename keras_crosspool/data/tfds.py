"""Data sets of the TensorFlow Datasets catalogue, or built by its folder builders."""

from keras_crosspool.data.checking import check_pictures, fingerprint
from keras_crosspool.data.split import Split, label_indices


def open_tfds_split(name, split, class_names=None, skip_broken=False):
    """Opens a split of a TFDS data set with `image` and `label` features; see `open_split`."""
    import tensorflow_datasets as tfds

    builder = _builder(name)
    features = builder.info.features
    needed = {"image": tfds.features.Image, "label": tfds.features.ClassLabel}
    if not all(key in features and isinstance(features[key], needed[key]) for key in needed):
        raise ValueError(
            "The TFDS data set needs an Image feature `image` and a ClassLabel feature `label`. "
            f"Received: tfds:{name} with {', '.join(features)}"
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
    indices = label_indices(classes, class_names)
    encoded = _encoded(builder, split, indices)
    checked, broken = check_pictures(encoded, info.num_examples, skip_broken)
    lines = [f"{picture} {class_names[label]} {digest}" for picture, label, digest in checked]
    return Split(
        name=split,
        class_names=class_names,
        size=info.num_examples - len(broken),
        fingerprint=fingerprint(lines),
        encoded=lambda: _without(encoded, broken),
        skipped=tuple(broken),
    )


def _builder(name):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name)
    # TFDS answers an unknown version by an assertion.
    except (tfds.core.registered.DatasetNotFoundError, ValueError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"TFDS knows no such data set ({reason}); `tfds.list_builders()` lists the names. "
            f"Received: tfds:{name}"
        ) from error


def _encoded(builder, split, indices):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(
        split=split,
        decoders={"image": tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(add_tfds_id=True, interleave_cycle_length=1),
        shuffle_files=False,
    )
    table = tf.constant(indices, tf.int32)
    return dataset.map(lambda x: (x["image"], table[x["label"]], x["tfds_id"]), tf.data.AUTOTUNE)


def _without(encoded, broken):
    import tensorflow as tf

    if not broken:
        return encoded
    return encoded.filter(lambda data, label, name: tf.reduce_all(name != tf.constant(broken)))
