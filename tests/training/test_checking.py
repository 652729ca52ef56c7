"""Options that do not go together, and those that change nothing."""

import pytest

from keras_crosspool.config.training_config import TrainingConfig
from keras_crosspool.training.checking import check_config


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"tuning_size": 160}, "tuning_size"),
        ({"patience": 3, "learning_rate": 1e-3}, "learning_rate, patience"),
    ],
)
def test_options_of_fine_tuning_without_epochs_are_named(caplog, options, named):
    with caplog.at_level("WARNING"):
        check_config(TrainingConfig.of(data="photos", **options))
    assert caplog.messages == [
        f"without `epochs` nothing is fine-tuned, and these options change nothing: {named}"
    ]


@pytest.mark.parametrize(
    "options", [{}, {"seed": 3, "batch_size": 8}, {"tuning_size": 160, "epochs": 1}]
)
def test_options_that_change_something_are_not_named(caplog, options):
    with caplog.at_level("WARNING"):
        check_config(TrainingConfig.of(data="photos", **options))
    assert not caplog.messages


def test_images_to_tune_on_are_as_large_as_the_network_needs():
    with pytest.raises(ValueError, match=r"at least 32 pixels .*Received: tuning_size=31$"):
        check_config(TrainingConfig.of(data="photos", epochs=1, tuning_size=31))
    check_config(TrainingConfig.of(data="photos", epochs=1, tuning_size=32))
    # The classifier itself is tuned, at the size of the images.
    check_config(TrainingConfig.of(data="photos", epochs=1, tuning_size=31, solver="none"))
