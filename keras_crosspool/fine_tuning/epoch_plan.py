"""Which images each training step sees: the same for any number of devices, from any step on."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class EpochPlan:
    """The order of the images of every epoch, cut into steps of one size.

    An order is a function of seed and epoch alone, so a run that was stopped goes on at any step,
    and devices take their shares of the same batches however many they are. The last step of an
    epoch is filled up with images of weight zero: shares stay equal, and no device is idle.

    Args:
        size: int, number of images.
        batch_size: int, images of a step, of all devices together.
        seed: int, of the order; `None`, the default, keeps the images in their own.

    Example:

    >>> plan = EpochPlan(size=5, batch_size=2, seed=0)
    >>> plan.steps, plan.weights().astype("float64").round(2).tolist()
    (3, [[1.2, 1.2], [1.2, 1.2], [1.2, 0.0]])
    >>> sorted(plan.order(epoch=7).ravel()[:5].tolist())
    [0, 1, 2, 3, 4]
    """

    size: int
    batch_size: int
    seed: int | None = None

    @property
    def steps(self):
        """Steps of an epoch."""
        return -(-self.size // self.batch_size)

    def order(self, epoch):
        """The indices of the images of an epoch, int64 `(steps, batch_size)`."""
        order = np.arange(self.size)
        if self.seed is not None:
            order = np.random.default_rng((self.seed, epoch)).permutation(self.size)
        return np.resize(order, (self.steps, self.batch_size))

    def weights(self):
        """The weight of each position, float32 `(steps, batch_size)`.

        Images weigh the same in whatever step they are, on average one over all positions, so that
        the mean over the steps of an epoch is the mean over its images.
        """
        positions = np.arange(self.steps * self.batch_size)
        weights = np.where(positions < self.size, len(positions) / self.size, 0.0)
        return weights.astype("float32").reshape(self.steps, self.batch_size)

    def share(self, values, replicas, first, count):
        """What some replicas see of an epoch.

        Args:
            values: array `(steps, batch_size)`, such as `order` gives.
            replicas: int, among which a step is divided evenly.
            first: int, the first of the replicas that are meant.
            count: int, how many of them.

        Returns:
            Array `(steps * count, batch_size / replicas)`: a row a replica, step by step.
        """
        shares = values.reshape(self.steps, replicas, self.batch_size // replicas)
        return shares[:, first : first + count].reshape(self.steps * count, -1)
