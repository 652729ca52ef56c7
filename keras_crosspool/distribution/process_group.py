"""What the processes of a run say to each other: the collectives of the closed-form fit."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class ProcessGroup:
    """The worker processes of a run, and this one among them.

    Attributes:
        strategy: `tf.distribute.Strategy` by which the workers reach each other; `None` for one
            process without `tf.distribute`.
        size: int, number of worker processes (the world size).
        rank: int, which of them this one is; rank 0 is the chief, which alone writes.

    Example:

    >>> one = ProcessGroup()
    >>> one.size, one.is_chief, one.all_reduce(np.ones(2)).tolist()
    (1, True, [1.0, 1.0])
    """

    strategy: object = None
    size: int = 1
    rank: int = 0

    @property
    def is_chief(self):
        """Whether this process writes: one among all does."""
        return self.rank == 0

    def all_reduce(self, array):
        """Sums an array over the workers; all of them must call it.

        Args:
            array: number array, of the same shape and type in each.

        Returns:
            The sum, `np.ndarray`.
        """
        array = np.asarray(array)
        if self.size == 1:
            return array
        import tensorflow as tf

        replicas = self.strategy.num_replicas_in_sync // self.size

        def once(context):  # each process gives its array by its first replica
            first = context.replica_id_in_sync_group % replicas == 0
            return tf.constant(array) if first else tf.zeros_like(array)

        values = self.strategy.experimental_distribute_values_from_function(once)
        return self.strategy.reduce("SUM", values, axis=None).numpy()

    def all_gather(self, rows):
        """Joins the rows of all workers, in the order of their ranks; all of them must call it.

        Args:
            rows: number array `(n, ...)`, alike but for `n`.

        Returns:
            `np.ndarray` `(sum of n, ...)`.
        """
        rows = np.asarray(rows)
        if self.size == 1:
            return rows
        counts = self.all_reduce(np.eye(self.size, dtype="int64")[self.rank] * len(rows))
        start = counts[: self.rank].sum()
        # Collectives know no booleans and no short or unsigned numbers.
        dtype = rows.dtype if rows.dtype.kind == "f" else "int64"
        joined = np.zeros((counts.sum(), *rows.shape[1:]), dtype)
        joined[start : start + len(rows)] = rows
        return self.all_reduce(joined).astype(rows.dtype)

    def check_same(self, number, what):
        """Checks that all workers have one number, so that they stay in step; all must call it.

        Args:
            number: int.
            what: str, what it is, and what to do where they do not agree.

        Returns:
            `number`.

        Raises:
            ValueError: if they do not.
        """
        numbers = self.all_gather(np.array([number])).tolist()
        if len(set(numbers)) > 1:
            raise ValueError(f"The workers do not agree on {what}. Received: {numbers}, by worker")
        return number
