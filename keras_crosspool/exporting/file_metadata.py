"""What a file says of its model to whoever opens it, as text by name."""

import json


def file_metadata(source):
    """The model's name, task, classes, images and limits as text.

    Args:
        source: `Source`.

    Returns:
        dict of str to str: `name`, `task`, `image_size` and `preprocessing`, and of a classifier
        `class_names`, `thresholds` and `rejection` as JSON, those that it has.
    """
    model = source.to_dict()
    lines = {key: str(model[key]) for key in ("name", "task", "image_size", "preprocessing")}
    if source.is_embedder:
        return lines
    of_classes = {key: model[key] for key in ("class_names", "thresholds", "rejection")}
    return lines | {key: json.dumps(value) for key, value in of_classes.items() if value}
