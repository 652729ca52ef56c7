"""The file of class names that lies in or beside artefacts."""

LABELS_FILE = "labels.txt"


def labels_text(class_names):
    """The content of a labels file: a class a line, in the order of the scores.

    Args:
        class_names: sequence of str.

    Returns:
        str.

    Example:

    >>> labels_text(("Anjou", "Orange"))
    'Anjou\\nOrange\\n'
    """
    return "".join(f"{name}\n" for name in class_names)
