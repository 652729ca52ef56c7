"""A backbone of your own, with pyramid outputs as those of keras-hub, solved in closed form.

The backbones of keras-hub have `pyramid_outputs`: symbolic maps by level, such as "P3" of stride 8.
`from_backbone` needs the names of two layers with maps of equal size. Where two levels differ in
size, the larger one is averaged down first.

    python docs/examples/pyramid.py
"""

import keras
import numpy as np

import keras_crosspool as kcp

SIZE = 64


class PyramidBackbone(keras.Model):
    """A small network with the attribute that keras-hub's feature pyramid backbones have."""

    def __init__(self):
        image = keras.Input((SIZE, SIZE, 3), name="image")
        x = keras.layers.Rescaling(1 / 127.5, -1)(image)
        x = keras.layers.Conv2D(16, 5, strides=4, padding="same", activation="relu")(x)
        third = keras.layers.Conv2D(24, 3, strides=2, padding="same", activation="relu")(x)
        fourth = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(third)
        super().__init__(image, fourth)
        self.pyramid_outputs = {"P3": third, "P4": fourth}


def two_levels(backbone, fine="P3", coarse="P4"):
    """A functional model that ends in two maps of equal size, `fine` and `coarse`."""
    levels = backbone.pyramid_outputs
    factor = levels[fine].shape[1] // levels[coarse].shape[1]
    features = keras.layers.AveragePooling2D(factor, name="fine")(levels[fine])
    guidance = keras.layers.Activation("relu", name="coarse")(levels[coarse])
    joined = keras.layers.Concatenate(name="both")([features, guidance])
    return keras.Model(backbone.input, joined)


def main():
    """Solves a classifier on the pyramid of a backbone.

    Returns:
        The classifier, the images and the labels.
    """
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.uniform(0, 60, (60, SIZE, SIZE, 3))
    images[labels == 1, ::4] += 120  # class 1 has bright lines
    model = kcp.CrossPoolClassifier.from_backbone(
        two_levels(PyramidBackbone()),
        class_names=["noise", "lines"],
        image_size=SIZE,
        features_layer="fine",
        guidance_layer="coarse",
        window_size=1,
        feature_channels=16,
    )
    print(model.solve(images, labels))
    return model, images, labels


if __name__ == "__main__":
    main()
