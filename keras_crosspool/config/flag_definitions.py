"""Defines the flags of options, and makes configs of what they were set to."""

import sys

from absl import flags

from keras_crosspool.config.option import flag_name, kind_of, options_of


def define_flags(config, module_name):
    """Defines a flag for every option of a config.

    Args:
        config: subclass of `Config`.
        module_name: str, the `__name__` of the module whose flags they are.
    """
    if module_name == "__main__":
        module_name = sys.argv[0]  # as absl names the main, whose flags --help shows
    for field, _ in options_of(config):
        define_flag(field, module_name)


def config_of_flags(config):
    """The config that the flags give.

    Args:
        config: subclass of `Config`, each of whose options has a flag.

    Raises:
        ValueError: if a list holds no numbers, or an option is out of range.
    """
    return config(**{field.name: flag_value(field) for field, _ in options_of(config)})


def flag_value(field):
    """What the flag of an option was set to.

    Args:
        field: `dataclasses.Field` of a config.

    Raises:
        ValueError: if a list does not hold what it should.
    """
    name, (kind, item) = flag_name(field), kind_of(field)
    value = flags.FLAGS[name].value
    if kind is not tuple or value is None:
        return value
    try:
        return tuple(item(word) for word in value)
    except ValueError as error:
        raise ValueError(
            f"`{name}` takes numbers, separated by commas. Received: `{name}={','.join(value)}`"
        ) from error


def define_flag(field, module_name):
    """Defines the flag of an option.

    Args:
        field: `dataclasses.Field` of a config.
        module_name: str, name of the module whose flag it is.
    """
    known, (kind, _) = field.metadata["option"], kind_of(field)
    name, default, owner = flag_name(field), field.default, {"module_name": module_name}
    if kind is tuple:
        shown = None if default is None else [str(each) for each in default]
        flags.DEFINE_list(name, shown, known.help, **owner)
    elif known.choices:
        flags.DEFINE_enum(name, default, known.choices, known.help, **owner)
    elif kind is bool:
        flags.DEFINE_bool(name, default, known.help, **owner)
    elif kind is int:
        flags.DEFINE_integer(name, default, known.help, known.least, known.most, **owner)
    elif kind is float:
        flags.DEFINE_float(name, default, known.help, known.least, known.most, **owner)
    else:
        flags.DEFINE_string(name, default, known.help, **owner)
    if known.required:
        flags.mark_flag_as_required(name)
