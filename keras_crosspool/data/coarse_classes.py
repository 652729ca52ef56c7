"""The coarse class of each class, from the `classes.csv` of a folder of images."""

from keras_crosspool.data.table import read_table
from keras_crosspool.names import normalized, readable
from keras_crosspool.targets import SINGLE_LABEL

CLASSES_FILE = "classes.csv"


def read_coarse_names(root, class_names, task):
    """Reads `classes.csv` (`class,coarse_class`), so that scores can be given of coarse classes.

    It may name more classes than there are. Multi-label scores have no coarse classes.

    Args:
        root: `pathlib.Path` of the folder of images.
        class_names: sequence of str, the classes of the model.
        task: the task of the labels.

    Returns:
        dict from class to coarse class; empty without the file.

    Raises:
        ValueError: if the table is damaged or lacks the coarse class of a class.
    """
    path = root / CLASSES_FILE
    if not path.is_file():
        return {}
    rows = read_table(path, ("class", "coarse_class"), "class")
    coarse = {normalized(row["class"]): row["coarse_class"] for _, row in rows}
    if task is not SINGLE_LABEL:
        return {}
    missing = [name for name in class_names if not coarse.get(normalized(name))]
    if missing:
        unknown = sorted(coarse.keys() - set(map(normalized, class_names)))
        hint = f", though rows for others: {', '.join(unknown[:5])}" if unknown else ""
        raise ValueError(
            f"{CLASSES_FILE} must give each class its coarse class: add a row for each, or remove "
            f"the file. Received: {readable(path)} without {', '.join(missing[:5])}{hint}"
        )
    return {name: coarse[normalized(name)] for name in class_names}
