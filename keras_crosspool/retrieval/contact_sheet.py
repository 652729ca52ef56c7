"""A page of queries and what was found for each."""

import pathlib

from keras_crosspool.data import MAX_MEGAPIXELS, open_split
from keras_crosspool.data.pipeline import decoded_images_at
from keras_crosspool.evaluation.drawing import drawable, new_figure

_SIDE = 160  # pixels of an image on the page


def neighbour_images(store, queries, data=None, max_megapixels=MAX_MEGAPIXELS, splits=None):
    """Reads the images that were found, from the data that the descriptors were made of.

    Args:
        store: `DescriptorStore`.
        queries: list of `Query`.
        data: str, where the images are now. Defaults to where they were.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.
        splits: path of the model's table of splits, for data without. Defaults to none.

    Returns:
        dict from a neighbour's position to its uint8 image `(side, side, 3)`.

    Raises:
        ValueError: if the images are no longer those of the descriptors.
    """
    images = stored_images(store, data, max_megapixels, splits)
    positions = {found.position for query in queries for found in query.neighbours}
    return decoded_images_at(images, positions, _SIDE)


def stored_images(store, data=None, max_megapixels=MAX_MEGAPIXELS, splits=None):
    """Opens the images that descriptors were made of.

    Args:
        store: `DescriptorStore`.
        data: str, where the images are now. Defaults to where they were.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.
        splits: path of the model's table of splits, for data without. Defaults to none.

    Returns:
        `Split`, in the order of the descriptors.

    Raises:
        ValueError: if the images are no longer those of the descriptors.
    """
    record = store.record
    split = open_split(
        data or record.data,
        record.split,
        skip_broken=record.skip_broken,
        max_megapixels=max_megapixels,
        splits=splits,
    )
    if split.fingerprint != record.data_fingerprint:
        raise ValueError(
            "The images are not those of the descriptors: extract again, or name with `data` "
            f"where they are now. Received: {data or record.data}, split {record.split}"
        )
    return split


def plot_contact_sheet(queries, images, path):
    """Draws each query with its neighbours beside it, under their classes and similarities.

    Args:
        queries: list of `Query`.
        images: mapping from a neighbour's position to its uint8 image.
        path: path of the image to write.
    """
    columns = 1 + max(len(query.neighbours) for query in queries)
    figure, axes = new_figure(1.7 * columns, 2.1 * len(queries), len(queries), columns)
    for row, query in zip(axes, queries, strict=True):
        shown = [(f"query\n{drawable(pathlib.Path(query.path).name)}", query.image)]
        for found in query.neighbours:
            title = f"{drawable(', '.join(found.entry.classes))}\n{found.similarity:.3f}"
            shown.append((title, images[found.position]))
        for axis, (title, image) in zip(row, shown, strict=True):
            axis.imshow(image)
            axis.set_title(title, fontsize=6, wrap=True)
            axis.set_axis_off()
    figure.savefig(path)
