"""Opens a split, wherever its pictures are kept."""


def open_split(data, split, class_names=None, skip_broken=False):
    """Opens a split of a folder of pictures or of a TFDS data set.

    Args:
        data: str, a folder laid out as `split/class/*.jpg`, or `"tfds:NAME"`.
        split: str, name of the split, such as `"train"`; TFDS slices such as `"train[:80%]"`
            work too.
        class_names: sequence of str, the classes of a model; labels become indices into it.
            Defaults to the classes of the data, sorted.
        skip_broken: bool, whether pictures that cannot be decoded are left out instead of
            stopping. Defaults to `False`.

    Returns:
        A `Split`.

    Raises:
        ValueError: if the folder, the split or its classes are not as expected, a picture is
            broken, or the TFDS name is unknown.

    Example:

    >>> split = open_split("data/grocery_mini", "test")
    >>> split.size, len(split.class_names), split.coarse_names["Anjou"]
    (192, 16, 'Pear')
    """
    if str(data).startswith("tfds:"):
        from keras_crosspool.data.tfds import open_tfds_split

        return open_tfds_split(str(data).removeprefix("tfds:"), split, class_names, skip_broken)
    from keras_crosspool.data.folder import open_folder_split

    return open_folder_split(data, split, class_names, skip_broken)
