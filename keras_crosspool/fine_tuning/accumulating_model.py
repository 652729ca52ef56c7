"""A `keras.Model` whose training step divides its batch, to need less memory."""

import keras


class AccumulatingModel(keras.Model):
    """A functional model that goes through a batch in parts and adds up their gradients.

    Keras' optimizers can accumulate too, over steps: then schedules and checkpoints count parts,
    and replicas cannot. Here the parts are one step, whatever their number.

    Args:
        inputs, outputs: as of `keras.Model`.

    Attributes:
        gradient_accumulation: int, the number of parts, of which the batch of a replica is a
            multiple.

    Example:

    >>> image = keras.Input((4,))
    >>> model = AccumulatingModel(image, keras.layers.Dense(2)(image))
    >>> model.gradient_accumulation = 3
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((6, 4)), np.ones((6, 2)), batch_size=6, verbose=0)
    """

    gradient_accumulation = 1

    def train_step(self, *arguments):
        """Keras' step, or one in parts; its arguments are those of the backend."""
        if self.gradient_accumulation == 1:
            return super().train_step(*arguments)
        return self._step_in_parts(*arguments)

    def _step_in_parts(self, data):
        import tensorflow as tf

        parts = keras.tree.map_structure(self._divide, data)
        gradients = [tf.zeros_like(weight) for weight in self.trainable_weights]

        def add_part(index, sums):
            part = keras.tree.map_structure(lambda x: x[index], parts)
            found = self._gradients(*part)
            return index + 1, [total + new for total, new in zip(sums, found, strict=True)]

        _, gradients = tf.while_loop(
            lambda index, sums: index < self.gradient_accumulation,
            add_part,
            (tf.constant(0), gradients),
            parallel_iterations=1,  # else they would all be in memory at once
        )
        self.optimizer.apply(gradients, self.trainable_weights)
        return self.get_metrics_result()

    def _gradients(self, x, y, sample_weight=None):
        """Gradients of a part's share of the batch's mean loss; adds the part to the metrics."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            loss = self.compute_loss(x, y, logits, sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss / self.gradient_accumulation)
        replicas = self.distribute_strategy.num_replicas_in_sync
        tracker = next(metric for metric in self.metrics if metric.name == "loss")
        tracker.update_state(loss * replicas, sample_weight=tf.shape(x)[0])
        self.compute_metrics(x, y, logits, sample_weight)
        return tape.gradient(scaled, self.trainable_weights)

    def _divide(self, values):
        import tensorflow as tf

        return tf.reshape(values, (self.gradient_accumulation, -1, *values.shape[1:]))
