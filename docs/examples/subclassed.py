"""Windows, their PCA and cross-layer pooling in a subclassed Keras model.

The model fits the PCA by `adapt`, trains by `fit`, and is saved and loaded. Run it from anywhere:

    python docs/examples/subclassed.py
"""

import argparse
import pathlib
import tempfile

import keras
import numpy as np

import keras_crosspool as kcp

SIZE, CLASSES = 64, 3


@keras.saving.register_keras_serializable(package="examples")
class WindowClassifier(keras.Model):
    """Scheme 1 by hand: windows of one map, their `filters` components, pooled with the next."""

    def __init__(self, filters, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.num_classes = filters, num_classes
        self.stem = keras.layers.Conv2D(16, 5, strides=4, activation="relu")
        self.next = keras.layers.Conv2D(8, 3, padding="same", activation="relu")
        self.windows = kcp.LocalRegions(filters, 3)
        self.pooling = kcp.CrossLayerPooling()
        self.logits = keras.layers.Dense(num_classes)

    def call(self, images):
        features = self.stem(images / 255.0)
        guidance = self.windows.crop(self.next(features))  # at the centres of the windows
        return self.logits(self.pooling([self.windows(features), guidance]))

    def adapt(self, images):
        """Fits the PCA of the windows, without labels."""
        self.windows.adapt([self.stem(images / 255.0)])

    def get_config(self):
        config = super().get_config()
        return {**config, "filters": self.filters, "num_classes": self.num_classes}


def striped_images(count, seed=0):
    """Stripes that run across, down or aslant, in random colours, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    along = np.stack([rows, columns, rows + columns])[labels]
    waves = 0.5 + 0.5 * np.sin(along / 3.0 + rng.uniform(0, 6, (count, 1, 1)))
    return (waves[..., None] * rng.uniform(100, 255, (count, 1, 1, 3))).astype("float32"), labels


def main():
    """Trains the model, saves it and loads it again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", default=tempfile.gettempdir(), type=pathlib.Path)
    path = parser.parse_args().output / "subclassed.keras"
    keras.utils.set_random_seed(0)
    images, labels = striped_images(96)
    model = WindowClassifier(filters=12, num_classes=CLASSES)
    model(images[:1])
    model.adapt(images)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    losses = model.fit(images, labels, epochs=5, verbose=0).history["loss"]
    model.save(path)
    logits = model.predict(images, verbose=0)
    difference = np.abs(keras.saving.load_model(path).predict(images, verbose=0) - logits).max()
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}")
    print(f"logit {logits[0, 0]:.6f}, largest difference after loading {difference:.6f}")


if __name__ == "__main__":
    main()
