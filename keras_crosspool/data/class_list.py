"""Several class names in one field of a table."""

import json

_SEPARATOR = ";"


def join_classes(names):
    """Joins class names by `;`, or as a JSON list where a name would not come back from that.

    Args:
        names: sequence of str.

    Returns:
        str.

    Example:

    >>> join_classes(["bread", "milk"]), join_classes(["Orange; navel"])
    ('bread;milk', '["Orange; navel"]')
    """
    joined = _SEPARATOR.join(names)
    if split_classes(joined) == tuple(names):
        return joined
    return json.dumps(list(names), ensure_ascii=False)


def split_classes(field):
    """The class names in a field that `join_classes` wrote, or a person: a tuple of str.

    Spaces around a name that is not in a JSON list are no part of it.

    Example:

    >>> split_classes('["Orange; navel"]'), split_classes("milk; bread;")
    (('Orange; navel',), ('milk', 'bread'))
    """
    listed = _json_list(field)
    if listed is not None:
        return listed
    names = (name.strip() for name in field.split(_SEPARATOR))
    return tuple(name for name in names if name)


def _json_list(field):
    if not field.startswith("["):
        return None
    try:
        names = json.loads(field)
    except (ValueError, RecursionError):
        return None
    return tuple(names) if all(isinstance(name, str) for name in names) else None
