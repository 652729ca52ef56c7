"""The data sets of a study: folders of images, and the size at which each is seen."""


def data_sets(folders, image_sizes):
    """The folders of a study, each with its image size.

    Args:
        folders: list of str.
        image_sizes: list of str, sides in pixels, one a folder.

    Returns:
        List of pairs of str and int.

    Raises:
        ValueError: if there are not as many sizes as folders.

    Example:

    >>> data_sets(["photos"], ["224"])
    [('photos', 224)]
    """
    if len(folders) != len(image_sizes):
        raise ValueError(
            "Each folder needs its image size. "
            f"Received: {len(folders)} folders, {len(image_sizes)} sizes"
        )
    return list(zip(folders, map(int, image_sizes), strict=True))
