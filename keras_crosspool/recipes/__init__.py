"""Recipes: options that were measured together, in flag files of this folder.

`crosspool train --recipe=NAME` takes them for its defaults. Each file says what it costs and gives.
For one more recipe write `NAME.flags` here.
"""

import ast
import pathlib

_FOLDER = pathlib.Path(__file__).parent


def list_recipes():
    """The names of the recipes, a list.

    Example:

    >>> list_recipes()
    ['best', 'fast', 'tuned']
    """
    return sorted(path.stem for path in _FOLDER.glob("*.flags"))


def read_recipe(name):
    """The options of a recipe.

    Args:
        name: str, one of `list_recipes()`.

    Returns:
        dict, option to value, as `TrainingConfig.of` takes them.

    Raises:
        ValueError: if there is no such recipe.

    Example:

    >>> read_recipe("tuned")
    {'epochs': 14, 'image_size': 288}
    >>> config = keras_crosspool.config.TrainingConfig.of(data="photos", **read_recipe("tuned"))
    """
    if name not in list_recipes():
        raise ValueError(f"recipe must be one of {', '.join(list_recipes())}. Received: {name!r}")
    lines = (_FOLDER / f"{name}.flags").read_text(encoding="utf-8").splitlines()
    pairs = (line.removeprefix("--").split("=", 1) for line in lines if line.startswith("--"))
    return {option: _value(text) for option, text in pairs}


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):  # a word
        return text
