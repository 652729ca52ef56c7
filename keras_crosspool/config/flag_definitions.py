"""Defines the flags of options."""

from absl import flags

from keras_crosspool.config.option import flag_name, kind_of


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
