"""The flags of training, made from `TrainingConfig`."""

from absl import flags

from keras_crosspool.config.flag_definitions import define_flag
from keras_crosspool.config.option import flag_name, kind_of
from keras_crosspool.config.training_config import TrainingConfig

for _, _field in TrainingConfig.options():
    define_flag(_field, __name__)


def training_config():
    """The config that the flags give, a `TrainingConfig`.

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
