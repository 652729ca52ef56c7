"""Cross-layer pooling of two layers of a Keras Applications network, by the functional API.

The model is trained by `fit`, saved, and loaded by `keras.saving.load_model`. Run it from the
root of the repository; `--weights=imagenet` starts from ImageNet's weights, which Keras downloads:

    python docs/examples/functional.py
"""

import argparse
import pathlib
import tempfile

import keras
import numpy as np

import keras_crosspool as kcp

SIZE, CLASSES, DATA = 96, 16, "data/grocery_mini"


def load_images(split="train"):
    """Batches of images, as MobileNetV2 expects them, and labels."""
    data = keras.utils.image_dataset_from_directory(
        f"{DATA}/{split}",
        image_size=(SIZE, SIZE),
        shuffle=split == "train",
        seed=0,
        verbose=False,
    )
    preprocess = keras.applications.mobilenet_v2.preprocess_input
    return data.map(lambda images, labels: (preprocess(images), labels))


def build_model(weights=None):
    """MobileNetV2 with its head replaced: two feature maps, pooled, and a linear classifier."""
    network = keras.applications.MobileNetV2((SIZE, SIZE, 3), include_top=False, weights=weights)
    features = network.get_layer("block_11_add").output  # (batch, 6, 6, 96)
    guidance = network.get_layer("block_12_add").output  # a later layer of equal size
    descriptor = kcp.CrossLayerPooling(name="pooling")([features, guidance])  # (batch, 96 * 96)
    return keras.Model(network.input, keras.layers.Dense(CLASSES, name="logits")(descriptor))


def main():
    """Trains the model for a few steps, saves it and loads it again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", help="imagenet, or the path of a weights file")
    parser.add_argument("--output", default=tempfile.gettempdir(), type=pathlib.Path)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    batches = load_images().take(3).cache()
    model = build_model(arguments.weights)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    losses = model.fit(batches, epochs=2, shuffle=False, verbose=0).history["loss"]

    model.save(arguments.output / "functional.keras")
    loaded = keras.saving.load_model(arguments.output / "functional.keras")
    images, _ = next(iter(load_images("test")))
    logits = model.predict(images, verbose=0)
    difference = np.abs(loaded.predict(images, verbose=0) - logits).max()
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}")
    print(f"logit {logits[0, 0]:.6f}, largest difference after loading {difference:.6f}")


if __name__ == "__main__":
    main()
