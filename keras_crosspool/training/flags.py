"""The flags of training, made from `TrainingConfig`."""

from absl import flags

from keras_crosspool.config.option import flag_name, kind_of
from keras_crosspool.config.training_config import TrainingConfig


def _define(field):
    """Defines the flag of an option."""
    known, (kind, _) = field.metadata["option"], kind_of(field)
    name, default = flag_name(field), field.default
    if kind is tuple:
        shown = None if default is None else [str(each) for each in default]
        flags.DEFINE_list(name, shown, known.help)
    elif known.choices:
        flags.DEFINE_enum(name, default, known.choices, known.help)
    elif kind is bool:
        flags.DEFINE_bool(name, default, known.help)
    elif kind is int:
        flags.DEFINE_integer(name, default, known.help, known.least, known.most)
    elif kind is float:
        flags.DEFINE_float(name, default, known.help, known.least, known.most)
    else:
        flags.DEFINE_string(name, default, known.help)


for _, _field in TrainingConfig.options():
    _define(_field)


def training_config():
    """The config that the flags describe, a `TrainingConfig`.

    Raises:
        ValueError: if a list holds no numbers, or an option is out of range.
    """
    return TrainingConfig.of(
        **{flag_name(field): _value(field) for _, field in TrainingConfig.options()}
    )


def _value(field):
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
