"""A functional model whose structure stands in branches."""

import keras
import numpy as np


class BranchedModel(keras.Model):
    """A functional Keras model: the descriptors of some branches and a linear layer on them.

    Args:
        image: symbolic input, `(batch, image_size, image_size, 3)`.
        branches: sequence of `Branch` on that input; their descriptors are concatenated.
        classifier: `keras.layers.Dense`, from descriptors to logits.
        baseline_maps: symbolic map whose average over positions is the baseline, or `None` for
            the one that a branch names.
        name: str.

    Attributes:
        branches: tuple of `Branch`.
        classifier: `keras.layers.Dense`.
        descriptor: symbolic `(batch, dims)`, what the classifier sees.
        backbone: functional `keras.Model` from images to the map that the branches read last.
        head_layers: tuple of layers, those on top of the backbone.
    """

    def __init__(self, image, branches, classifier, baseline_maps, name):
        descriptors = [branch.descriptor for branch in branches]
        descriptor = descriptors[0]
        if len(descriptors) > 1:
            descriptor = keras.layers.Concatenate(name="descriptor")(descriptors)
        super().__init__(inputs=image, outputs=classifier(descriptor), name=name)
        self._parts = _Parts(branches, classifier, descriptor, descriptors, baseline_maps)

    @property
    def branches(self):
        return self._parts.branches

    @property
    def classifier(self):
        return self._parts.classifier

    @property
    def descriptor(self):
        return self._parts.descriptor

    @property
    def network(self):
        """The functional model from images to the descriptors of the branches, a list."""
        if self._parts.network is None:
            self._parts.network = keras.Model(self.inputs[0], self._parts.descriptors)
        return self._parts.network

    @property
    def backbone(self):
        if self._parts.backbone is None:
            plain = [branch for branch in self.branches if branch.grid is None]
            self._parts.backbone = (
                keras.Model(self.inputs[0], plain[0].baseline_maps(), name="backbone")
                if plain
                else self.branches[0].grid.network
            )
        return self._parts.backbone

    @property
    def head_layers(self):
        layers = [layer for branch in self.branches for layer in branch.layers]
        return (*layers, self.classifier)

    @property
    def float32_layers(self):
        """The layers that compute in float32 under every policy, a tuple."""
        layers = [layer for branch in self.branches for layer in branch.float32_layers]
        return (*layers, self.classifier)

    @property
    def image_size(self):
        """Side of the images, in pixels."""
        return self.input_shape[1]

    def stands_on(self, network):
        """Whether every weight below the classifier is one of a network's.

        Args:
            network: `keras.Model`.
        """
        weights = {id(weight) for weight in network.weights}
        return all(id(weight) in weights for weight in self.network.weights)

    def compute_descriptors(self, x, batch_size=32):
        """Computes the descriptors of images.

        Args:
            x: images `(n, image_size, image_size, 3)`, RGB, 0-255.
            batch_size: int. Defaults to `32`.

        Returns:
            float32 `(n, dims)`; each branch's part has unit length.
        """
        return keras.Model(self.inputs[0], self.descriptor).predict(
            np.asarray(x, "float32"), batch_size=batch_size, verbose=0
        )


class _Parts:
    """What a classifier keeps of its structure, out of the sight of Keras' tracking."""

    def __init__(self, branches, classifier, descriptor, descriptors, baseline_maps):
        self.branches = tuple(branches)
        self.classifier, self.descriptor = classifier, descriptor
        self.descriptors, self.baseline_maps = descriptors, baseline_maps
        self.network = self.backbone = None  # made when first asked for
