"""Checks of what a classifier is built for."""


def checked_names(class_names, num_classes):
    """The class names, a tuple; numbers where only their number is given."""
    if class_names is None and num_classes is None:
        raise ValueError("Name the classes by `class_names`, or give `num_classes`. Received: none")
    names = tuple(map(str, range(num_classes) if class_names is None else class_names))
    if num_classes not in (None, len(names)):
        raise ValueError(
            "`num_classes` must be the number of `class_names`; one of them is enough. "
            f"Received: num_classes={num_classes}, {len(names)} names"
        )
    if len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(
            f"A classifier needs two classes or more, of different names. Received: {names}"
        )
    return names


def check_task(task):
    """Refuses an unknown task."""
    from keras_crosspool.targets import TARGETS

    if task not in TARGETS:
        raise ValueError(f"`task` must be one of {', '.join(TARGETS)}. Received: {task!r}")
