"""Cross-layer pooling between two layers of any Keras Applications network, trained by fit.

python docs/examples/functional.py
"""

import keras

import keras_crosspool as kcp

SIZE, CLASSES, DATA = 96, 16, "data/grocery_mini"


def build_model(weights="imagenet"):
    """MobileNetV2 with its head replaced: two feature maps, pooled, and a linear classifier."""
    network = keras.applications.MobileNetV2((SIZE, SIZE, 3), include_top=False, weights=weights)
    features = network.get_layer("block_12_add").output  # (batch, 6, 6, 96)
    guidance = network.get_layer("block_11_add").output  # the same height and width
    image = network.input
    descriptor = kcp.CrossLayerPooling(name="pooling")([features, guidance])  # (batch, 96 * 96)
    return keras.Model(image, keras.layers.Dense(CLASSES, name="logits")(descriptor))


def main(weights="imagenet", steps=8, path="functional.keras"):
    """Trains the model for a few steps, saves it and loads it again.

    Returns:
        The trained model, the loaded one, one batch of images, and the loss of each epoch.
    """
    keras.utils.set_random_seed(0)
    data = keras.utils.image_dataset_from_directory(
        f"{DATA}/train", image_size=(SIZE, SIZE), batch_size=32, seed=0, verbose=False
    ).map(lambda images, labels: (keras.applications.mobilenet_v2.preprocess_input(images), labels))
    model = build_model(weights)
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(data.take(steps).cache(), epochs=2, shuffle=False, verbose=0)
    model.save(path)
    images, _ = next(iter(data))
    print(f"loss {history.history['loss'][0]:.2f} -> {history.history['loss'][-1]:.2f}")
    return model, keras.saving.load_model(path), images, history.history["loss"]


if __name__ == "__main__":
    main()
