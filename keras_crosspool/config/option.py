"""Options: dataclass fields that carry their help, choices and range."""

import dataclasses
import math
import numbers
import types
import typing

from keras_crosspool.whole_numbers import whole_number


@dataclasses.dataclass(frozen=True)
class Option:
    """What is known of an option beside its name, type and default.

    Args:
        help: str, what it changes, for `--help` and the documentation.
        choices: tuple of str, the values that it can take. Defaults to any.
        least: number, the least value. Defaults to none.
        most: number, the largest value. Defaults to none.
        above: number that the value must be larger than. Defaults to none.
        below: number that the value must be smaller than. Defaults to none.
        flag: str, name of the flag. Defaults to the name of the field.
        of_the_run: bool, whether another value makes another run; `False` for what only says
            where and how fast it runs, so that a stopped run can go on elsewhere.
        required: bool, whether the flag must be given; the default is then `None`.
    """

    help: str
    choices: tuple[str, ...] | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    flag: str | None = None
    of_the_run: bool = True
    required: bool = False

    def check(self, name, value):
        """Refuses a value that is none of the choices or out of range.

        Args:
            name: str, of the field.
            value: its value; `None` is not checked.

        Raises:
            ValueError: if it is refused.
        """
        if value is None:
            return
        if self.choices and value not in self.choices:
            raise ValueError(
                f"{name} must be one of {', '.join(self.choices)}. Received: {value!r}"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"`{name}` must be a finite number. Received: {value}")
        if self.above is not None and value <= self.above:
            raise ValueError(f"`{name}` must be above {self.above}. Received: {value}")
        if self.below is not None and value >= self.below:
            raise ValueError(f"`{name}` must be below {self.below}. Received: {value}")
        if self.least is not None and value < self.least:
            raise ValueError(f"`{name}` must be at least {self.least}. Received: {value}")
        if self.most is not None and value > self.most:
            raise ValueError(f"`{name}` must be at most {self.most}. Received: {value}")


def option(default, help, **known):
    """A dataclass field that is an option.

    Args:
        default: its value where nothing is said.
        help: str.
        **known: further fields of `Option`.
    """
    return dataclasses.field(default=default, metadata={"option": Option(help, **known)})


class Config:
    """Base of the config dataclasses: checks every option, and makes NumPy's numbers Python's."""

    def __post_init__(self):
        for field, known in options_of(type(self)):
            value = _plain(field, getattr(self, field.name))
            known.check(field.name, value)
            object.__setattr__(self, field.name, value)


def options_of(config):
    """The options of a config dataclass.

    Args:
        config: subclass of `Config`.

    Yields:
        Pairs of `dataclasses.Field` and `Option`.
    """
    for field in dataclasses.fields(config):
        if "option" in field.metadata:
            yield field, field.metadata["option"]


def split_options(values, *configs):
    """Makes configs of keyword arguments, each of which belongs to one of them.

    Args:
        values: dict, field to value.
        *configs: subclasses of `Config`.

    Returns:
        list of an object of each.

    Raises:
        ValueError: if none of them has such a field.
    """
    names = [{field.name for field, _ in options_of(config)} for config in configs]
    unknown = sorted(values.keys() - set().union(*names))
    if unknown:
        known = ", ".join(sorted(set().union(*names)))
        raise ValueError(f"The options are {known}. Received: {', '.join(unknown)}")
    return [
        config(**{name: values[name] for name in own & values.keys()})
        for config, own in zip(configs, names, strict=True)
    ]


def _plain(field, value):
    """The value of an option such that JSON takes it; whole where it must be."""
    kind, item = kind_of(field)
    if kind is tuple and isinstance(value, tuple | list):
        return tuple(_number(field.name, item, each) for each in value)
    return _number(field.name, item or kind, value)


def _number(name, kind, value):
    if kind is int and value is not None:
        return whole_number(name, value)
    is_float = isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral)
    return float(value) if is_float else value


def flag_name(field):
    """The name of the flag of an option's field."""
    return field.metadata["option"].flag or field.name


def kind_of(field):
    """The type of an option's value, without `None`, and that of its items if it is a tuple."""
    kind = field.type
    if isinstance(kind, types.UnionType):
        kind = next(each for each in typing.get_args(kind) if each is not types.NoneType)
    if typing.get_origin(kind) is tuple:
        return tuple, typing.get_args(kind)[0]
    return kind, None
