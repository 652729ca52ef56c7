"""The order of images: each once an epoch, the same for any number of devices."""

import numpy as np
import pytest

from keras_crosspool.fine_tuning.epoch_plan import EpochPlan

SIZES = [(18, 6), (17, 4), (5, 8), (1, 1)]


@pytest.mark.parametrize(("size", "batch_size"), SIZES)
def test_every_image_counts_once_an_epoch(size, batch_size):
    plan = EpochPlan(size, batch_size, seed=3)
    order, weights = plan.order(2), plan.weights()
    assert order.shape == weights.shape == (plan.steps, batch_size)
    assert (plan.steps - 1) * batch_size < size <= plan.steps * batch_size
    assert sorted(order[weights > 0]) == list(range(size))
    assert (order.dtype, weights.dtype) == ("int64", "float32")


@pytest.mark.parametrize(("size", "batch_size"), SIZES)
def test_the_mean_over_steps_is_the_mean_over_images(size, batch_size):
    losses = np.random.default_rng(0).normal(size=size)
    plan = EpochPlan(size, batch_size, seed=1)
    # A step's loss as Keras has it: weighted losses over the places of the batch.
    steps = (losses[plan.order(5)] * plan.weights()).sum(axis=1) / batch_size
    assert steps.mean() == pytest.approx(losses.mean(), rel=1e-5)


def test_orders_follow_seed_and_epoch():
    def orders(seed):
        return [tuple(EpochPlan(50, 10, seed).order(epoch).ravel()) for epoch in range(3)]

    assert orders(4) == orders(4)
    assert len({*orders(4), *orders(5)}) == 6
    assert orders(None) == [tuple(range(50))] * 3


@pytest.mark.parametrize("size", [5, 8, 30])
@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_shares_put_together_are_the_batch(size, replicas):
    plan = EpochPlan(size, 8, seed=0)
    for values in (plan.order(1), plan.weights()):
        shares = [plan.share(values, replicas, replica, 1) for replica in range(replicas)]
        np.testing.assert_array_equal(np.concatenate(shares, axis=1), values)


def test_shares_of_a_worker_come_replica_by_replica():
    plan = EpochPlan(16, 8)
    share = plan.share(plan.order(0), replicas=4, first=2, count=2)
    assert share.tolist() == [[4, 5], [6, 7], [12, 13], [14, 15]]
