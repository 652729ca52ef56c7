"""JSON files that a user can damage: read within limits, and checked field by field.

The fields of a dataclass or a `TypedDict` say by their types what is expected: `str`, `bool`,
`int`, `float`, `dict`, `dict[str, KIND]`, `tuple[KIND, ...]` for a list, `KIND | None`, a dataclass
or `TypedDict`, and `Annotated[KIND, Rule(...)]` for a range.
"""

import dataclasses
import json
import math
import pathlib
import types
import typing
from collections.abc import Callable

from keras_crosspool.files import atomic_path
from keras_crosspool.text import shortened

_MOST_BYTES = 64 << 20
_MOST_SHOWN = 80  # characters of a value
_NO_DEFAULT = dataclasses.MISSING
# The types of fields: what they are called, and the types in which `json` gives them.
_WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "an object",
    tuple: "a list",
}
_KINDS = {kind: (kind,) for kind in _WORDS} | {float: (float, int), tuple: (list,)}


@dataclasses.dataclass(frozen=True)
class Rule:
    """What else holds of a field than its type.

    Attributes:
        words: str, what the field must be, such as `"a whole number of at least 1"`.
        holds: function of a value of the field's type that tells whether it is.
    """

    words: str
    holds: Callable


POSITIVE = Rule("a whole number of at least 1", lambda value: value >= 1)


def one_of(names):
    """The `Rule` of a text that is one of some names."""
    return Rule(f"one of {', '.join(names)}", lambda value: value in names)


def read_record(kind, path, advice):
    """Reads a JSON file whose fields are those of a type.

    Args:
        kind: dataclass, all of whose fields without a default are needed and which has no others;
            or `TypedDict`, which may have others. What a dataclass's `of_this_version` makes of the
            fields is read where it has one; or `dict[str, KIND]`, whose names may be any.
        path: path of the file.
        advice: str, what to do with a damaged file, such as `"train again or restore it"`.

    Returns:
        An instance of the type.

    Raises:
        ValueError: if the file is no JSON, is of more than 64 MiB, or a field is missing, unknown
            or not of its type.
        OSError: if it cannot be read.
    """
    path = pathlib.Path(path)
    try:
        return from_fields(kind, _read(path))
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged: {error}; {advice}. Received: {path}") from error


def from_json(kind, text):
    """The instance of a type whose fields a JSON text gives; see `read_record`.

    Raises:
        ValueError: if the text is no JSON, or a field is missing, unknown or not of its type.
    """
    return from_fields(kind, _parsed(text))


def from_fields(kind, fields):
    """The instance of a type whose fields a dict gives; see `read_record`.

    Raises:
        ValueError: if a field is missing, unknown or not of its type.

    Example:

    >>> @dataclasses.dataclass
    ... class Size:
    ...     width: typing.Annotated[int, POSITIVE]
    ...     unit: str = "px"
    >>> from_fields(Size, {"width": 3})
    Size(width=3, unit='px')
    >>> from_fields(Size, {"width": 0})
    Traceback (most recent call last):
        ...
    ValueError: width must be a whole number of at least 1, not 0
    """
    return _converted(kind, fields, "it")


def write_json(path, data, indent=2):
    """Writes plain data as JSON that every reader takes: what is not finite becomes null.

    Args:
        path: path of the file, written whole or not at all.
        data: dicts, lists, texts, numbers.
        indent: int, spaces of a level; `None` writes one line. Defaults to `2`.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_path(path) as file:
        file.write_text(json.dumps(_finite(data), indent=indent, allow_nan=False), encoding="ascii")


def _finite(data):
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def _read(path):
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"it has {size} bytes, and at most {_MOST_BYTES} are read")
    return _parsed(path.read_bytes())


def _parsed(text):
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("its lists or objects are nested too deeply") from error


def _converted(kind, value, name):
    """A value of JSON as a field's type has it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        found = _converted(inner[0], value, name)
        _refuse_unless(inner[1].holds(found), name, inner[1].words, value)
        return found
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _converted(inner[0], value, name)
    if dataclasses.is_dataclass(kind) or typing.is_typeddict(kind):
        return _object(kind, value, name)
    plain = origin or kind
    _refuse_unless(type(value) in _KINDS[plain], name, _WORDS[plain], value)
    if plain is tuple:
        return tuple(_converted(inner[0], x, f"{name}[{i}]") for i, x in enumerate(value))
    if plain is dict and inner:
        return {key: _converted(inner[1], x, f"{name}.{key}") for key, x in value.items()}
    return value


def _object(kind, fields, name):
    """An instance of a dataclass or a `TypedDict`."""
    _refuse_unless(type(fields) is dict, name, _WORDS[dict], fields)
    if hasattr(kind, "of_this_version"):
        fields = kind.of_this_version(fields)
    hints = typing.get_type_hints(kind, include_extras=True)
    missing = [part for part in _needed(kind) if part not in fields]
    unknown = [part for part in fields if part not in hints]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}")
    if unknown and not typing.is_typeddict(kind):
        raise ValueError(f"{name} has the unknown {shortened(', '.join(unknown), _MOST_SHOWN)}")
    parts = {part: _converted(hints[part], fields[part], part) for part in fields if part in hints}
    return kind(**fields | parts)


def _needed(kind):
    if typing.is_typeddict(kind):
        return list(typing.get_type_hints(kind))
    return [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is field.default_factory is _NO_DEFAULT
    ]


def _refuse_unless(holds, name, words, value):
    if not holds:
        kind = dict if isinstance(value, dict) else tuple
        shown = _WORDS[kind] if isinstance(value, dict | list) else json.dumps(value)
        raise ValueError(f"{name} must be {words}, not {shortened(shown, _MOST_SHOWN)}")
