"""What this package uses of Keras that Keras does not document: all of it is here.

Tested with Keras 3.15.1 and TensorFlow 2.21.0. No other module names what Keras keeps private:
`tests/test_keras_internals.py` checks that, and calls each function here against the installed
Keras. After an update of Keras run that file first.

Keras is not imported here, so that `keras_crosspool.graphs` can use this module while Keras is
still being imported (see `keras_crosspool/__init__.py`).
"""


def graph_nodes(model):
    """Lists the nodes of a functional model, every producer before its consumers.

    Keras has no public walk of a graph; its own plotting and saving read the nodes likewise.

    Args:
        model: functional `keras.Model`.

    Returns:
        list of nodes. A node is one call of a layer or an operation: `operation` is what was
        called, `input_tensors` and `output_tensors` are lists, `is_input` is true for an input of
        the model. A layer that is called twice has two nodes.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth]]


def call_arguments(node, tensors):
    """The arguments of a node's call, with other tensors.

    Args:
        node: one of `graph_nodes`.
        tensors: dict, the `id` of each input tensor of the node to the tensor in its place.

    Returns:
        tuple of the positional arguments, and dict of the named ones.
    """
    return node.arguments.fill_in(tensors)


class OptimizerHooks:
    """Gives names to private steps of a Keras optimizer, so that a subclass can change them.

    The subclass names it before the optimizer: `class Mine(OptimizerHooks, keras.optimizers.SGD)`.
    Gradients are clipped by `clipped`. The weight decay is left to `update_step` of the subclass.
    """

    def clipped(self, gradients):
        """Clips gradients as Keras does, by `clipnorm`, `global_clipnorm` or `clipvalue`."""
        return super()._clip_gradients(gradients)

    def variable_index(self, variable):
        """The index of a variable, or of the backend's own one, among those of `build`."""
        return self._get_variable_index(variable)

    def decays(self, variable):
        """Whether the weight decay holds for a variable: `exclude_from_weight_decay` tells."""
        return self._use_weight_decay(variable)

    def _clip_gradients(self, grads):
        return self.clipped(grads)

    def _apply_weight_decay(self, variables):
        """Does nothing: `update_step` of the subclass decays the weights."""


class SymbolicBuildHook:
    """Chooses what Keras' TensorFlow trainer builds a model with before it trains it.

    The subclass names it before the model: `class Mine(SymbolicBuildHook, keras.Model)`. Keras
    builds the model with the first batch, under a `tf.distribute` strategy alone.
    """

    def build_batch(self, batch):
        """The batch to build the model with, of the first batch that the strategy gives."""
        return batch

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if iterator is not None:
            _, _, batches = next(iter(iterator))
            data_batch = self.build_batch(next(batches))
        super()._maybe_symbolic_build(data_batch=data_batch)
