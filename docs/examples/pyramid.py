"""Two levels of a feature pyramid: pooled by the layer alone, and in a classifier that is solved.

The backbones of keras-hub have `pyramid_outputs`: symbolic maps by level, such as "P3" of stride 8.
The backbone here has them too. Two levels differ in size, so the larger one is averaged first.
Run it from anywhere:

    python docs/examples/pyramid.py
"""

import argparse
import pathlib
import tempfile

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
        fourth = keras.layers.Conv2D(32, 3, 2, "same", activation="relu", name="coarse")(third)
        super().__init__(image, fourth)
        self.pyramid_outputs = {"P3": third, "P4": fourth}


def two_levels(backbone, fine="P3", coarse="P4"):
    """A functional model from images to two levels, the finer one averaged to equal size."""
    levels = backbone.pyramid_outputs
    factor = levels[fine].shape[1] // levels[coarse].shape[1]
    averaged = keras.layers.AveragePooling2D(factor, name="fine")(levels[fine])
    return keras.Model(backbone.input, [averaged, levels[coarse]], name="two_levels")


def build_descriptor(levels):
    """A functional model from images to the pooled descriptor, `(batch, 32 * 24)`."""
    return keras.Model(levels.input, kcp.CrossLayerPooling()(levels.outputs))


def main():
    """Pools two levels, and solves a classifier on them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", default=tempfile.gettempdir(), type=pathlib.Path)
    path = parser.parse_args().output / "pyramid.keras"
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(0, 60, (60, SIZE, SIZE, 3)).astype("float32")
    labels = np.arange(60) % 2
    images[labels == 1, ::4] += 120  # class 1 has bright lines
    levels = two_levels(PyramidBackbone())
    print(f"descriptor {tuple(build_descriptor(levels)(images).shape)}")

    model = kcp.CrossPoolClassifier.from_backbone(
        levels,
        class_names=["noise", "lines"],
        features_layer="fine",
        guidance_layer="coarse",
        image_size=SIZE,
        window_size=1,
        feature_channels=16,
    )
    model.solve(images, labels)
    model.save(path)
    logits = model.predict(images, verbose=0)
    print(f"logit {logits[0, 0]:.6f}, accuracy {np.mean(logits.argmax(axis=1) == labels):.4f}")


if __name__ == "__main__":
    main()
