"""Recipes: read as options, taken by the command line, and overruled by flags that are given."""

import json
import subprocess
import sys

import pytest

from keras_crosspool.config import TrainingConfig
from keras_crosspool.recipes import list_recipes, read_recipe

SHOW = """
import json, sys
from absl import flags
from keras_crosspool.training.flags import training_config
flags.FLAGS(sys.argv)
print(json.dumps(training_config().to_dict()))
"""


def _config(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_is_a_config(name):
    recipe = read_recipe(name)
    config = TrainingConfig.of(**recipe).to_dict()
    assert {option: config[option] for option in recipe} == recipe
    assert recipe.keys() < config.keys()


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match=r"one of best, fast, tuned\. Received: 'slow'"):
        read_recipe("slow")


def test_the_best_is_the_tuned_one_with_regions():
    assert read_recipe("best") == read_recipe("tuned") | {"scheme": "both"}


def test_flags_win_over_the_recipe():
    defaults = TrainingConfig().to_dict()
    assert _config() == defaults
    tuned = read_recipe("tuned")
    assert _config("--recipe=tuned") == defaults | tuned
    given = _config("--epochs=0", "--recipe=tuned", "--tuning_size", "160")
    assert given == defaults | tuned | {"epochs": 0, "tuning_size": 160}
