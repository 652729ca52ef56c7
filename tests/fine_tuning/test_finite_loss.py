"""Where training stops for a loss that is not finite, and what it names."""

import numpy as np
import pytest

from keras_crosspool.fine_tuning.callbacks.finite_loss import FiniteLoss
from keras_crosspool.fine_tuning.epoch_plan import EpochPlan

PLAN = EpochPlan(10, 4, seed=0)


def _names(epoch, step):
    return [f"{index}.jpg" for index in PLAN.order(epoch)[step]]


@pytest.mark.parametrize("loss", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("first_step", "epochs", "batch", "expected"),
    [(0, (0,), 2, (0, 2)), (1, (3,), 1, (3, 2)), (1, (3, 4), 1, (4, 1))],
    ids=["from the start", "taken up midway", "the epoch after that"],
)
def test_the_images_of_the_step_are_named(loss, first_step, epochs, batch, expected):
    callback = FiniteLoss(_names, 0.01, first_step)
    for epoch in epochs:
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_end(0, {"loss": 1.0})
    epoch, step = expected
    names = ", ".join(_names(epoch, step))
    words = rf"loss {loss} at learning_rate=0\.01, epoch {epoch}, step {step}, images {names}$"
    with pytest.raises(FloatingPointError, match=words):
        callback.on_train_batch_end(batch, {"loss": loss})
