"""Opens a split, wherever its images are kept."""

from absl import logging

from keras_crosspool.data.reading import MAX_MEGAPIXELS


def open_split(
    data,
    split,
    class_names=None,
    skip_broken=False,
    task=None,
    data_dir=None,
    max_megapixels=MAX_MEGAPIXELS,
    splits=None,
):
    """Opens a split of a folder of images or of a TFDS data set.

    What is left out is logged, counted by reason: hidden files, suffixes that are not read, images
    in folders below their class, examples without a label, and broken images if that is allowed.

    Args:
        data: str, a folder laid out as `split/class/*.jpg`, which is also what
            `tfds.folder_dataset.ImageFolder` reads, or with `split/labels.csv` beside the
            images of a split, which then have any number of labels; or a folder without splits,
            `class/*.jpg` or images beside one `labels.csv`; or `"tfds:NAME"`, with
            configuration and version as `tfds.builder` takes them; or `"tfds:/FOLDER"` or
            `"tfds:./FOLDER"`, a data set that TFDS has prepared, or a folder that holds one.
        split: str, name of the split, such as `"train"`; of TFDS data sets also slices and sums
            such as `"train[:80%]"` and `"train+test"`. `"all"` is the whole of a folder without
            splits; a part of one needs `splits`.
        class_names: sequence of str, the classes of a model; labels become indices into it.
            Defaults to the classes of the data, sorted. Names that look equal are equal (NFC).
        skip_broken: bool, whether images that cannot be used are left out instead of stopping:
            broken, unreadable or too large ones, links to nothing, pipes and devices, and examples
            whose label is out of range. Defaults to `False`.
        task: str, `"single_label"` or `"multi_label"`, the task of a model, which the labels must
            be for. Defaults to what the data has.
        data_dir: str, folder where TFDS keeps its data sets, for `"tfds:NAME"` alone. Defaults to
            that of TFDS itself.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.
        splits: path of a table `file,split`, which says what is in which split of a folder without
            splits, as training writes it. It is not read for other data. Defaults to none.

    Returns:
        A `Split`.

    Raises:
        ValueError: if the folder, the split or its classes are not as expected, an image cannot be
            used, a table is damaged, the TFDS name is unknown, the labels are for another task,
            or `data_dir` is given for anything but a TFDS name.
        OSError: if a folder cannot be read, or a data set cannot be downloaded or prepared.

    Example:

    >>> split = open_split("data/grocery_mini", "test")
    >>> split.size, len(split.class_names), split.coarse_names["Anjou"]
    (192, 16, 'Pear')
    """
    limits = {"skip_broken": skip_broken, "max_megapixels": max_megapixels}
    opened = _open(str(data), split, class_names, data_dir, limits, splits)
    if task not in (None, opened.task.name):
        raise ValueError(
            f"The images are labelled for another task than expected, which is {task}. "
            f"Received: {data}, split {split}, labelled for {opened.task.name}"
        )
    logging.log(logging.WARNING if opened.left_out else logging.INFO, "%s", opened.summary())
    return opened


def _open(data, split, class_names, data_dir, limits, splits):
    if data.startswith("tfds:"):
        from keras_crosspool.data.tfds import open_tfds_split

        name = data.removeprefix("tfds:")
        return open_tfds_split(name, split, class_names, data_dir=data_dir, **limits)
    if data_dir:
        raise ValueError(
            "data_dir is where TFDS keeps its data sets, so it goes with tfds:NAME. "
            f"Received: {data}, data_dir {data_dir}"
        )
    from keras_crosspool.data.folder import open_folder_split

    return open_folder_split(data, split, class_names, splits=splits, **limits)
