"""The tree of options: one default each, checked values, and the flags that are made of it."""

import json
import subprocess
import sys

import pytest

from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.plan import FORMS
from keras_crosspool.config import TrainingConfig
from keras_crosspool.config.launch_config import LaunchConfig
from keras_crosspool.config.model_use_config import (
    EvaluationConfig,
    ExtractionConfig,
    PredictionConfig,
    SearchConfig,
)
from keras_crosspool.config.network_config import SCHEMES as SCHEME_NAMES
from keras_crosspool.config.option import flag_name, options_of
from keras_crosspool.config.page_config import PageConfig
from keras_crosspool.config.parity_config import ExportConfig
from keras_crosspool.config.scheme_config import REGION_MODES
from keras_crosspool.config.solver_config import SOLVER_FORMS, SOLVERS
from keras_crosspool.layers.region_grid import MODES
from keras_crosspool.models.schemes import SCHEMES
from keras_crosspool.retrieval.formats import FORMATS

FLAGS = """
import json, sys
from absl import flags
from keras_crosspool.training.flags import training_config
flags.FLAGS(["train", *sys.argv[1:]])
print(json.dumps(training_config().to_dict()))
"""


def _of_flags(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", FLAGS, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tensorflow" not in done.stderr
    return json.loads(done.stdout)


def test_the_flags_have_the_defaults_of_the_config():
    expected = TrainingConfig().to_dict()
    assert _of_flags() == expected
    assert (expected["batch_size"], expected["solver"], expected["crop_scales"]) == (
        32,
        "ridge",
        [1.0, 0.8],
    )


def test_flags_become_values_of_their_type():
    found = _of_flags("--region_size=64,96", "--epochs=3", "--nomirror", "--solver=svm")
    assert (found["region_size"], found["epochs"], found["mirror"]) == ([64, 96], 3, False)
    assert found["solver"] == "svm"


def test_every_option_has_help_and_one_definition():
    seen = {}
    for _, field in TrainingConfig.options():
        assert field.metadata["option"].help.endswith((".", "?")), field.name
        assert seen.setdefault(flag_name(field), field) is field


def test_choices_are_those_of_the_rooms():
    assert tuple(SCHEMES) == SCHEME_NAMES
    assert MODES == REGION_MODES
    assert (*METHODS, "none") == SOLVERS
    assert ("auto", *FORMS) == SOLVER_FORMS
    assert ExtractionConfig.__dataclass_fields__["format"].metadata["option"].choices == tuple(
        FORMATS
    )


@pytest.mark.parametrize(
    "config",
    [
        EvaluationConfig,
        PredictionConfig,
        ExtractionConfig,
        SearchConfig,
        LaunchConfig,
        ExportConfig,
        PageConfig,
    ],
)
def test_every_command_has_options_with_help(config):
    fields = list(options_of(config))
    assert fields
    for field, known in fields:
        assert known.help.endswith("."), field.name
        assert known.required == (field.name in ("model", "output", "descriptors"))


def test_options_reach_their_parts():
    config = TrainingConfig.of(batch_size=4, seed=7, scheme="scheme2", solver_memory_gb=2.0)
    assert (config.guidance.batch_size, config.fine_tuning.batch_size) == (4, 4)
    assert (config.fine_tuning.seed, config.solver.memory_gb) == (7, 2.0)
    assert config.network.scheme == "scheme2"
    assert config.replace(epochs=2).to_dict() == config.to_dict() | {"epochs": 2}
    assert not {"cache_dir", "workers", "solver_memory_gb"} & config.of_the_run().keys()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epoch": 3}, r"no such option\. Did you mean epochs.*Received: epoch=3$"),
        ({"scheme": "scheme3"}, r"scheme must be one of scheme1.*Received: 'scheme3'"),
        ({"batch_size": 0}, r"`batch_size` must be at least 1\. Received: 0"),
        ({"label_smoothing": 1.5}, r"`label_smoothing` must be below 1\. Received: 1\.5"),
        ({"clip_norm": 0.0}, r"`clip_norm` must be above 0\.0\. Received: 0\.0"),
        ({"learning_rate": float("nan")}, r"`learning_rate` must be a finite number.*nan"),
        ({"max_megapixels": float("inf")}, r"`max_megapixels` must be a finite number.*inf"),
        ({"seed": -5}, r"`seed` must be at least 0\. Received: -5"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        TrainingConfig.of(**options)
