"""How a model meets images of none of its classes."""

import dataclasses
import itertools
import pathlib

import numpy as np

from keras_crosspool.data import read_images
from keras_crosspool.data.listing import Listing
from keras_crosspool.progress import track
from keras_crosspool.targets.rejection import auroc

_BATCH = 32


@dataclasses.dataclass(frozen=True)
class UnknownScores:
    """How well images of the classes and images of none are told apart.

    Attributes:
        folder: str, where the images of none are.
        images: int, how many.
        auroc: float, how often such an image has less confidence than one of the classes.
        refused_known: float, the share of the images of the classes that is refused.
        accepted_unknown: float, the share of the others that is not.
    """

    folder: str
    images: int
    auroc: float
    refused_known: float
    accepted_unknown: float

    def to_dict(self):
        """The scores as plain data, for JSON."""
        return dataclasses.asdict(self)

    def summary(self):
        """The scores in words."""
        return (
            f"none of the classes: AUROC {self.auroc:.4f} on {self.images} images of {self.folder}"
            f"\nrefused of the classes {self.refused_known:.4f}, "
            f"accepted of the others {self.accepted_unknown:.4f}"
        )


def evaluate_unknown(model, metadata, known, folder, **image_options):
    """Runs a model over images of none of its classes and compares them with those of a split.

    Args:
        model: `CrossPoolClassifier`.
        metadata: its `ModelMetadata`.
        known: float `(n, num_classes)`, its logits of images of the classes.
        folder: path of a folder of images, in folders below too.
        **image_options: `skip_broken`, `max_megapixels`; see `read_images`.

    Returns:
        `UnknownScores`.

    Raises:
        ValueError: if the model cannot refuse, or there are no images.
    """
    if metadata.rejection is None:
        raise ValueError(
            "The model has no threshold for images of none of its classes: train one on a single "
            "label an image, with two sessions a class. "
            f"Received: {metadata.name}, {metadata.task}"
        )
    paths = _images_of(folder)
    images = (image for _, image in read_images(paths, metadata.image_size, **image_options))
    batches = iter(lambda: list(itertools.islice(images, _BATCH)), [])
    logits = [
        model.predict_on_batch(np.stack(batch).astype("float32"))
        for batch in track(batches, "images of no class", total=-(-len(paths) // _BATCH))
    ]
    logits, rejection = np.concatenate(logits), metadata.rejection
    return UnknownScores(
        folder=str(folder),
        images=len(logits),
        auroc=auroc(rejection.confidences(known), rejection.confidences(logits)),
        refused_known=float(rejection.refuses(known).mean()),
        accepted_unknown=float(1 - rejection.refuses(logits).mean()),
    )


def _images_of(folder):
    if not pathlib.Path(folder).is_dir():
        raise ValueError(f"There is no such folder of images. Received: unknown={str(folder)!r}")
    paths = Listing(pathlib.Path(folder)).images_below()
    if not paths:
        raise ValueError(f"The folder holds no images. Received: unknown={str(folder)!r}")
    return paths
