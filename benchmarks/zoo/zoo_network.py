"""One network under check: from its layers to the files of its classifier."""

import functools

import keras
import numpy as np

from benchmarks.zoo import finite
from benchmarks.zoo.macs import count_macs
from benchmarks.zoo.network_row import PASSED
from benchmarks.zoo.settings import STEPS
from benchmarks.zoo.settled import settle
from keras_crosspool import CrossPoolClassifier
from keras_crosspool.backbones import create_backbone, efficientnet_lite
from keras_crosspool.data import load_images, open_split
from keras_crosspool.exporting import formats
from keras_crosspool.exporting.images import Images
from keras_crosspool.exporting.parity import Comparator
from keras_crosspool.exporting.source import make_source
from keras_crosspool.files import scratch_directory
from keras_crosspool.models.metadata import ModelMetadata

# Sides in pixels at which the last map has 4 x 4 positions, so that four windows are pooled.
_IMAGE_SIZE = 128
_IMAGE_SIZES = {"InceptionResNetV2": 171, "InceptionV3": 171}
_CHANNELS = 32
_GRADIENT_IMAGES = 8
_IMAGES = 80  # five of each class of grocery_mini
_LEAST_ACCURACY = 0.5  # on the images that it was solved on
_ROUNDING = 1e-6


class ZooNetwork:
    """The checks of one network.

    Networks whose weights come with a package have them; the others have random ones (`settle`).

    Args:
        name: str, as `list_backbones()` gives it.
        settings: `ZooSettings`.
    """

    def __init__(self, name, settings):
        self._name, self._settings = name, settings
        self._image_size = settings.image_size or _IMAGE_SIZES.get(name, _IMAGE_SIZE)
        with_weights = {entry.name for entry in efficientnet_lite.entries()}
        self._weights = "imagenet" if name in with_weights else "none"
        self._backbone = self._model = None

    def facts(self):
        """What is known of the network: dict, fields of `NetworkRow`."""
        network = self._backbone and self._backbone.model
        return {
            "weights": {"imagenet": "ImageNet", "none": "random"}[self._weights],
            "image_size": self._image_size,
            "parameters": network and network.count_params(),
            "macs": network and count_macs(network),
        }

    def needs(self, check):
        """The check that has to pass before another one is tried; `None` for the first."""
        if check == STEPS[0]:
            return None
        return STEPS[0] if check in STEPS else "solve"

    def check(self, check):
        """Tries one check.

        Args:
            check: str, one of `STEPS`, or a format and its precision, such as `"tflite:int8"`.

        Returns:
            str, the verdict of what passed.

        Raises:
            Exception: of any kind, if it does not pass.
        """
        if check not in STEPS:
            return self._export(check)
        getattr(self, f"_{check.replace(' ', '_')}")()
        return PASSED

    def _build(self):
        keras.utils.set_random_seed(0)
        backbone = create_backbone(self._name, self._image_size, self._weights)
        pixels = self._training.pixels
        if self._weights == "none":
            settle(backbone.model, pixels)
        maps = _run(backbone.model, pixels)
        if not np.isfinite(maps).all() or not np.ptp(maps, axis=0).any():
            raise ValueError(
                "The maps of real images must be finite and differ from image to image. Received: "
                f"values from {maps.min()} to {maps.max()}"
            )
        self._backbone = backbone
        self._model = self._classifier(_CHANNELS)

    def _classifier(self, guidance_channels):
        return CrossPoolClassifier.from_backbone(
            self._backbone,
            self._opened("train").class_names,
            feature_channels=_CHANNELS,
            guidance_channels=guidance_channels,
        )

    def _gradient(self):
        images = self._training
        every = len(images.pixels) // _GRADIENT_IMAGES
        # All channels: of a few, those of the last block of DenseNet would not learn.
        _, guidance = self._backbone.default_feature_maps()
        model = self._classifier(guidance.channels)
        finite.check_gradient(model, images.pixels[::every], images.labels[::every])

    def _solve(self):
        images = self._training
        self._model.solve(
            images.pixels, images.labels, groups=None, crop_scales=(1.0,), mirror=False
        )
        finite.check_weights(self._model)
        if self._weights == "none":
            # Random features know little of the classes: next to what all logits share, how like
            # the training images an image looks, the rest would be too small to compare.
            classifier = self._model.classifier
            classifier.assign(classifier.kernel, classifier.bias, classifier.inverse_limit)
        answers = _run(self._model, images.pixels).argmax(axis=1)
        accuracy = float(np.mean(answers == images.labels))
        if accuracy < _LEAST_ACCURACY:
            raise ValueError(
                f"A solved model must know at least {_LEAST_ACCURACY:.0%} of the images that it "
                f"was solved on. Received: {accuracy:.0%}"
            )

    def _save_and_load(self):
        pixels = self._training.pixels
        with scratch_directory() as folder:
            self._model.save(folder / "model.keras")
            loaded = keras.saving.load_model(folder / "model.keras")
        expected, found = (_run(model, pixels) for model in (self._model, loaded))
        error = float(np.abs(found - expected).max())
        if not error <= _ROUNDING * np.ptp(expected):
            raise ValueError(f"A loaded model must give equal logits. Received: {error} apart")

    def _export(self, check):
        ((row, precision),) = formats.parse_list([check])
        row.check_installed()
        names = {option.name for option in row.options_of(precision)}
        options = {"allow_slower": True} if "allow_slower" in names else {}
        export = formats.resolve(row.exporter)
        with scratch_directory() as folder:
            path = folder / f"model{row.suffix}"
            record = export(self._source, path, precision, self._comparator, **options)
        return record.details.get("engine_state", record.parity["status"])

    @functools.cached_property
    def _training(self):
        return self._images("train")

    @functools.cached_property
    def _source(self):
        metadata = ModelMetadata.of(self._model)
        return make_source(self._model, metadata, calibration=self._images("test"))

    @functools.cached_property
    def _comparator(self):
        # A head on random weights has clear answers for the images that it was solved on alone.
        return Comparator.of(self._source, self._training)

    def _images(self, split):
        pixels, labels = load_images(self._opened(split), self._image_size, limit=_IMAGES)
        return Images(pixels, labels, self._settings.data, split)

    def _opened(self, split):
        return open_split(self._settings.data, split)


def _run(model, pixels):
    return model.predict(pixels.astype("float32"), batch_size=16, verbose=0)
