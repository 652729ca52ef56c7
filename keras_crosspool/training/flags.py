"""The flags of training, made from `TrainingConfig`."""

from absl import flags

from keras_crosspool.config.flag_definitions import define_flag, flag_value
from keras_crosspool.config.option import flag_name
from keras_crosspool.config.training_config import TrainingConfig
from keras_crosspool.recipes import list_recipes, read_recipe

flags.DEFINE_enum(
    "recipe",
    "fast",
    list_recipes(),
    "Defaults that were measured together; flags that are given win. fast: the network as it is, "
    "solved alone; tuned: its layers tuned first, which takes five to ten times as long and is "
    "more accurate; best: the same with regions beside the windows, which takes longer still, in "
    "training and in use.",
)
for _, _field in TrainingConfig.options():
    define_flag(_field, __name__)


def training_config():
    """The config that the flags and the recipe give, a `TrainingConfig`.

    Raises:
        ValueError: if a list holds no numbers, or an option is out of range.
    """
    values = {flag_name(field): flag_value(field) for _, field in TrainingConfig.options()}
    recipe = read_recipe(flags.FLAGS.recipe)
    left = {name: value for name, value in recipe.items() if not flags.FLAGS[name].present}
    return TrainingConfig.of(**values | left)
