"""The tf.data pipeline of fine-tuning: from an epoch plan to batches for every replica."""

import contextlib
import dataclasses

import numpy as np

from keras_crosspool.distribution import ONE_DEVICE, Distribution
from keras_crosspool.fine_tuning.augmentation import augment
from keras_crosspool.fine_tuning.epoch_plan import EpochPlan


@dataclasses.dataclass(frozen=True)
class Batches:
    """Batches of `(images, targets, weights)` of a split, for one device or many.

    Attributes:
        split: `Split`.
        images: function from an index to an image, from `open_images`.
        plan: `EpochPlan`.
        distribution: `Distribution`.
        class_weights: float `(num_classes,)`, by which the images of a class count;
            `None` counts all alike.
        augmented_size: int, to which augmented images are resized, each epoch anew; `None` leaves
            images as they are.
    """

    split: object
    images: object
    plan: EpochPlan
    distribution: Distribution = ONE_DEVICE
    class_weights: np.ndarray | None = None
    augmented_size: int | None = None
    _failures: list = dataclasses.field(default_factory=list, init=False, repr=False, compare=False)

    def dataset(self, first_epoch=0, first_step=0):
        """The batches of epoch after epoch, without end.

        Args:
            first_epoch: int. Defaults to `0`.
            first_step: int, of the first epoch. Defaults to `0`.

        Returns:
            `tf.data.Dataset` of global batches, or, under a strategy, the distributed data set
            of every replica's share of them.
        """

        def for_process(context=None):
            pipeline = context.input_pipeline_id if context else 0
            return self._local(first_epoch, first_step, pipeline)

        strategy = self.distribution.strategy
        if strategy is None:
            return for_process()
        return strategy.distribute_datasets_from_function(for_process)

    def names(self, epoch, step):
        """The names of the images of a step, of all devices."""
        weights = self.plan.weights()[step]
        return [self.split.names[i] for i in self.plan.order(epoch)[step][weights > 0]]

    def _local(self, first_epoch, first_step, pipeline):
        """What the replicas of one process see."""
        import tensorflow as tf

        count = self.distribution.local_replicas
        share = self.plan.batch_size // self.distribution.replicas
        weights = self._share(self.plan.weights(), pipeline).ravel()

        def order(epoch):
            return self._share(self.plan.order(int(epoch)), pipeline).ravel()

        def positions(epoch):
            indices = tf.numpy_function(order, [epoch], tf.int64)
            indices = tf.ensure_shape(indices, weights.shape)
            return tf.data.Dataset.from_tensor_slices(
                (indices, weights, tf.fill(weights.shape, epoch))
            )

        examples = tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(positions)
        return (
            examples.skip(first_step * count * share)
            # So said, workers need not ask each other at every step whether there is another.
            .apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
            .map(self._load, tf.data.AUTOTUNE)
            .batch(share, drop_remainder=True)
            .map(self._with_targets, tf.data.AUTOTUNE)
            .prefetch(2)
        )

    def _share(self, values, pipeline):
        count = self.distribution.local_replicas
        return self.plan.share(values, self.distribution.replicas, pipeline * count, count)

    def _load(self, index, weight, epoch):
        import tensorflow as tf

        image = tf.numpy_function(self._image, [index], tf.uint8, stateful=False)
        side = self.images(0).shape[0]
        image = tf.ensure_shape(image, (side, side, 3))
        if self.augmented_size is not None:
            seed = tf.stack([self.plan.seed + 1_000_003 * epoch, index])
            image = augment(image, seed, self.augmented_size)
        label = tf.gather(self.split.labels, index)
        if self.class_weights is not None:
            weight *= tf.gather(self.class_weights.astype("float32"), label)
        return tf.cast(image, tf.float32), label, weight

    def _image(self, index):
        try:
            return np.asarray(self.images(int(index)))
        except (ValueError, OSError) as error:
            self._failures.append(error)
            raise

    @contextlib.contextmanager
    def naming_failures(self):
        """Raises the error of an image that cannot be read, not TensorFlow's about that error."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            if not self._failures:
                raise
            raise self._failures[0] from error

    def _with_targets(self, images, labels, weights):
        import tensorflow as tf

        targets = tf.numpy_function(self._targets, [labels], tf.float32, stateful=False)
        targets = tf.ensure_shape(targets, (labels.shape[0], len(self.split.class_names)))
        return images, targets, weights

    def _targets(self, labels):
        return self.split.task.targets(labels, len(self.split.class_names))
