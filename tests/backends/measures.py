"""What Keras computes under the backend that is set, for the tests beside to compare.

`KERAS_BACKEND=jax python -m tests.backends.measures FOLDER REFERENCE NAMES…` takes the measures of
these names. Under TensorFlow, whose folder is the reference of the others, the models are saved,
and the other backends read them: so all begin with the same weights.
"""

import pathlib
import sys
import traceback

import keras
import numpy as np

import keras_crosspool as kcp
from keras_crosspool.closed_form.compress import compress
from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.data import open_split
from keras_crosspool.data.array_images import labelled_images, resized
from keras_crosspool.evaluation.contributions import position_contributions
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from tests.striped_images import striped_images

CLASSES = ("Anjou", "Arla-Standard-Milk", "Orange")
GROCERY = pathlib.Path(__file__).parents[2] / "data" / "grocery_mini"
NETWORKS = ("EfficientNetV2B0", "DenseNet121")
SIDE = 32  # of striped images, in pixels
ONE_VIEW = {"crop_scales": (1.0,), "mirror": False, "groups": None}


class _Models:
    """Builds models under TensorFlow and saves them; under other backends reads what it saved."""

    def __init__(self, folder):
        self._folder = folder

    def get(self, name, build):
        path = self._folder / f"{name}.keras"
        if keras.config.backend() == "tensorflow":
            build().save(path)
        return keras.saving.load_model(path)

    def small(self, scheme="scheme1", task="single_label"):
        return self.get(f"{task}-{scheme}", lambda: _small_classifier(scheme, task))


class _Batches(keras.utils.PyDataset):
    """Batches of arrays."""

    def __init__(self, images, labels, size):
        super().__init__()
        self._images, self._labels, self._size = images, labels, size

    def __len__(self):
        return -(-len(self._images) // self._size)

    def __getitem__(self, index):
        chosen = slice(index * self._size, (index + 1) * self._size)
        return self._images[chosen], self._labels[chosen]


def solve(models, _):
    """Lite0 with its own weights on real images, by arrays, a PyDataset and tf.data."""
    import tensorflow as tf

    images, labels = _grocery_images()

    def lite():
        return kcp.CrossPoolClassifier.from_backbone(
            "efficientnet_lite0",
            CLASSES,
            image_size=128,
            feature_channels=16,
            guidance_channels=32,
        )

    found, model = {}, models.get("lite", lite)
    shown = resized(images, 128)
    found["loaded"] = model.predict(shown, verbose=0)
    lite()  # it builds under each backend
    report = model.solve(images, labels, groups=None)
    found["score"] = np.array([report.score, report.alpha, report.baseline_score])
    names = "arrays", "bias", "limit", "familiarity", "familiarity bias"
    found |= dict(zip(names, model.classifier.get_weights(), strict=True))
    found["solved"] = model.predict(shown, verbose=0)
    parts, _ = position_contributions(model, shown[:2], np.array([[0], [1]]))
    found["contributions"] = parts["pooling"]
    channels = {"feature_channels": 8, "guidance_channels": 16}
    small = compress(model, images, labels, report=report, groups=None, **channels)
    found["compressed"] = small.predict(shown, verbose=0)
    for name, data in {
        "dataset": _Batches(images, labels, 16),
        "tf.data": tf.data.Dataset.from_tensor_slices((images, labels)).batch(16),
    }.items():
        model.solve(data, groups=None)
        found[name] = model.classifier.get_weights()[0]
    return found


def schemes(models, folder):
    """Every scheme in closed form on a small network."""
    images, labels = striped_images(60, SIDE)
    found = {}
    for scheme in ("scheme1", "both", "scheme1_2x", "global_average", "region_average"):
        model = models.small(scheme)
        found[f"{scheme} loaded"] = model.predict(images, verbose=0)
        # Training the guidance of scheme 2 draws numbers, which each backend does its own way.
        model.solve(images, labels, guidance_epochs=0, cache_dir=folder, **ONE_VIEW)
        found[f"{scheme} kernel"] = model.classifier.get_weights()[0]
    guided = models.small("scheme2")
    report = guided.solve(images, labels, cache_dir=folder, **ONE_VIEW)
    found["guided score"] = np.array(report.score)
    return found


def labels(models, _):
    """Several labels an image, solved."""
    images, classes = striped_images(60, SIDE)
    targets = np.eye(3, dtype="int32")[classes]
    targets[::4, 0] = 1
    model = models.small(task="multi_label")
    model.solve(images, targets, **ONE_VIEW)
    return {"kernel": model.classifier.get_weights()[0], "thresholds": np.array(model.thresholds)}


def networks(models, _):
    """Networks of Keras Applications with random weights: they build, load and predict."""
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("float32")

    def build(name):
        return kcp.CrossPoolClassifier.from_backbone(
            name,
            num_classes=3,
            image_size=64,
            weights=None,
            window_size=1,
            feature_channels=8,
            guidance_channels=8,
        )

    found = {}
    for name in NETWORKS:
        model = models.get(name, lambda name=name: build(name))
        assert [layer.name for layer in build(name).layers] == [x.name for x in model.layers]
        found[name] = model.predict(images, verbose=0)
    return found


def fit(models, _):
    """Keras' own fit and evaluate, compiled as built and with another optimizer."""
    images, labels = striped_images(72, SIDE)
    found = {}
    for name, optimizer in {"default": None, "sgd": keras.optimizers.SGD(1e-3)}.items():
        model = models.small()
        if optimizer:
            model.compile(optimizer, loss=model.loss, metrics=["accuracy"])
        done = model.fit(
            images, labels, 24, 3, verbose=0, validation_data=(images, labels), shuffle=False
        )
        found |= {f"{name} {key}": np.array(values) for key, values in done.history.items()}
        found[f"{name} evaluated"] = np.array(model.evaluate(images, labels, verbose=0))
    return found


def tune(models, _):
    """Our fine-tuning in float32 and half precision, and `tune` with what it solves after."""
    images, labels = striped_images(72, SIDE)
    found = {}
    for precision in ("float32", "mixed_float16", "mixed_bfloat16"):
        model = models.small()
        report = model.solve(images, labels, **ONE_VIEW)
        split = labelled_images(images, labels, model.class_names, model.task)
        options = FineTuningConfig(
            frozen_epochs=1, epochs=2, batch_size=24, precision=precision, ema_momentum=0.9
        )
        history, _ = fine_tune(model, split, split, SIDE, options)
        found |= {f"{precision} {key}": np.array(values) for key, values in history.items()}
    kcp.tune(model, images, labels, report=report, epochs=2, batch_size=24)
    answers = model.predict(images, verbose=0).argmax(axis=1)
    found["tuned accuracy"] = np.array((answers == labels).mean())
    return found


def bfloat16(models, _):
    """A model whose layers compute in bfloat16, fitted by Keras."""
    images, labels = striped_images(72, SIDE)
    weights = models.small().get_weights()
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = _small_classifier("scheme1", "single_label")
    model.set_weights(weights)
    model.compile(keras.optimizers.SGD(1e-3), loss=model.loss)
    done = model.fit(images, labels, 24, 3, verbose=0, shuffle=False)
    features = model.branches[0].windows(model.branches[0].features)
    computed_in = keras.backend.standardize_dtype(features.dtype)
    return {"loss": np.array(done.history["loss"]), "dtype": np.array(computed_in)}


def data_parallel(models, _):
    """Keras' fit on every device there is, and the closed form on an odd number of images."""
    if len(keras.distribution.list_devices()) > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    images, labels = striped_images(72, SIDE)
    model = models.small()
    model.compile(keras.optimizers.SGD(1e-3), loss=model.loss)
    done = model.fit(images, labels, 24, 4, verbose=0, shuffle=False)
    devices = np.array(len(model.classifier.kernel.value.sharding.device_set))
    model.solve(images[:67], labels[:67], **ONE_VIEW)
    kernel = model.classifier.get_weights()[0]
    return {"loss": np.array(done.history["loss"]), "kernel": kernel, "devices": devices}


def _grocery_images():
    split = open_split(GROCERY, "train", class_names=None)
    numbers = [split.class_names.index(name) for name in CLASSES]
    chosen = np.concatenate([np.flatnonzero(split.labels == number)[:8] for number in numbers])
    labels = [numbers.index(label) for label in split.labels[chosen]]
    return split.images_at(chosen, 160), np.array(labels)


def _small_classifier(scheme, task):
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 128, -1)(image)
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.5)(x)
    x = keras.layers.Conv2D(16, 3, activation="relu", name="earlier")(x)
    x = keras.layers.Conv2D(16, 3, activation="relu", padding="same", name="later")(x)
    return kcp.CrossPoolClassifier.from_backbone(
        keras.Model(image, x),
        num_classes=3,
        task=task,
        scheme=scheme,
        features_layer="earlier",
        guidance_layer="later",
        window_size=1,
        feature_channels=6,
        guidance_channels=8,
        region_size=16,
        region_stride=8,
        region_mode="shared",
        grid_guidance_channels=4,
    )


MEASURES = (solve, schemes, labels, networks, fit, tune, bfloat16, data_parallel)


def main(folder, reference, *names):
    """Takes measures, each into a folder of its name: its arrays, or how it failed."""
    for measure in MEASURES:
        if measure.__name__ not in names:
            continue
        own = pathlib.Path(folder, measure.__name__)
        own.mkdir(parents=True)
        try:
            arrays = measure(_Models(pathlib.Path(reference)), own)
        except Exception:
            (own / "failed.txt").write_text(traceback.format_exc())
        else:
            np.savez(own / "arrays.npz", **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
