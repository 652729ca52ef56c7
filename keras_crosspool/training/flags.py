"""The flags of training, made from `TrainingConfig`."""

from keras_crosspool.config.flag_definitions import define_flag, flag_value
from keras_crosspool.config.option import flag_name
from keras_crosspool.config.training_config import TrainingConfig

for _, _field in TrainingConfig.options():
    define_flag(_field, __name__)


def training_config():
    """The config that the flags give, a `TrainingConfig`.

    Raises:
        ValueError: if a list holds no numbers, or an option is out of range.
    """
    return TrainingConfig.of(
        **{flag_name(field): flag_value(field) for _, field in TrainingConfig.options()}
    )
