"""The flags of the exporters' mains, made from the table of formats."""

from absl import flags

from keras_crosspool.config.flag_definitions import config_of_flags, define_flags
from keras_crosspool.config.parity_config import ExportConfig

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    str: flags.DEFINE_string,
    tuple: flags.DEFINE_list,
}


def define_common():
    """Defines what every exporter takes: the model, the output and the parity flags."""
    define_flags(ExportConfig, __name__)


def parity_config():
    """The config that the flags give, an `ExportConfig`."""
    return config_of_flags(ExportConfig)


def define_format(row):
    """Defines the flags of one format: output, precision and its own options.

    Args:
        row: `Format`.
    """
    kind = "Folder" if row.is_folder else "File"
    flags.DEFINE_string("output", None, f"{kind} to write, *{row.suffix}.", required=True)
    flags.DEFINE_enum("precision", row.precisions[0], row.precisions, "Precision of the file.")
    define_options(row.options)


def define_options(options):
    """Defines a flag for each option.

    Args:
        options: iterable of `Option`.
    """
    for option in options:
        if option.choices:
            flags.DEFINE_enum(option.name, option.default, option.choices, option.help)
        else:
            _DEFINE[type(option.default)](option.name, option.default, option.help)


def chosen_options(row, precision):
    """Values of the options that apply to a precision.

    Args:
        row: `Format`.
        precision: str.

    Returns:
        dict, name to value: keyword arguments of the exporter.

    Raises:
        ValueError: if the precision is unknown, or an option was given that does not apply to it.
    """
    chosen = {option.name: flags.FLAGS[option.name] for option in row.options}
    row.check(precision, {name: flag.value for name, flag in chosen.items() if flag.present})
    return {option.name: flags.FLAGS[option.name].value for option in row.options_of(precision)}
