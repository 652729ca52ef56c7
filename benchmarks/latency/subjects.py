"""All that one benchmark compares: candidates that do the same job, and the images for it."""

import dataclasses
import pathlib

from benchmarks.latency.candidates import artefact_candidates, keras_candidates
from benchmarks.machine import gpu_names


@dataclasses.dataclass(frozen=True)
class Subjects:
    """What is compared.

    Attributes:
        candidates: list of `Candidate` that this machine can run.
        not_run: list of dicts with `file`, `runtime`, `precision` and the `reason`.
        description: dict with the model's `name`, `class_names`, `image_size`, `task` and
            `thresholds`.
        data: str, where the model's own images are; `None` when no Keras model was given.
        split: str, the model's validation split, or else its training split; or `None`.
        splits: path of the model's table of splits, for data without; or `None`.
    """

    candidates: list
    not_run: list
    description: dict
    data: str | None
    split: str | None
    splits: pathlib.Path | None = None

    def read_images(self, data=None, split=None, limit=None):
        """Reads the labelled images, once for all candidates.

        Args:
            data: str, folder or `"tfds:NAME"`. Defaults to the model's own.
            split: str. Defaults to the model's validation split.
            limit: int, the most images, drawn evenly over the classes. Defaults to all.

        Returns:
            `keras_crosspool.exporting.images.Images`.

        Raises:
            ValueError: if data or split are unknown or not there.
        """
        from keras_crosspool.data import load_images, open_split
        from keras_crosspool.exporting.images import Images

        data, split = data or self.data, split or self.split
        if not data or not split:
            raise ValueError(
                "Real images are needed: pass --data=FOLDER and --split=NAME, or --model=DIR "
                f"whose own data are used. Received: --data={data or ''} --split={split or ''}"
            )
        description = self.description
        opened = open_split(
            data,
            split,
            description["class_names"],
            task=description["task"],
            splits=self.splits,
        )
        pixels, labels = load_images(opened, description["image_size"], limit=limit)
        return Images(pixels, labels, data, split)


def open_subjects(paths, model_directory=None, threads=(1, 2), keras_calls=("predict", "eager")):
    """Reads the artefacts' records and the Keras model, and checks that they do the same job.

    Args:
        paths: paths of artefacts.
        model_directory: path of the Keras model. Defaults to none.
        threads: numbers of threads for artefacts on the CPU. Defaults to `(1, 2)`.
        keras_calls: keys of `KERAS_CALLS`, the ways to call the Keras model. Defaults to both.

    Returns:
        `Subjects`.

    Raises:
        ValueError: if there is nothing to run, an artefact or the model is damaged, two have the
            same name, or their classes or image sizes differ.
    """
    candidates, descriptions, data, split, splits = [], [], None, None, None
    if model_directory:
        from keras_crosspool.models.directory import own_splits

        keras, metadata = _open_keras(model_directory, keras_calls)
        candidates += keras
        descriptions.append((model_directory, _description(vars(metadata))))
        data = metadata.data.get("path")
        split = metadata.default_split("val", "train")
        splits = own_splits(model_directory)
    for path in paths:
        found, artefact = artefact_candidates(path, threads)
        candidates += found
        descriptions.append((path, _description(artefact.model)))
    candidates, not_run = _split_by_gpu(candidates)
    if not candidates:
        raise ValueError(
            "Nothing to run here: pass artefacts (x.tflite, x.onnx) or --model=DIR. "
            f"Received: {' '.join(map(str, paths)) or 'none'}"
        )
    _check_names(candidates)
    return Subjects(candidates, not_run, _same_job(descriptions), data, split, splits)


def _open_keras(directory, calls):
    from keras_crosspool import load_model

    model, metadata = load_model(directory)
    return keras_candidates(directory, model, calls), metadata


def _description(fields):
    return {
        "name": fields["name"],
        "class_names": list(fields["class_names"]),
        "image_size": fields["image_size"],
        "task": fields["task"],
        "thresholds": fields["thresholds"],
    }


def _same_job(descriptions):
    """The description that all share but for the name, which is the first one's."""
    (first_path, first), *others = descriptions
    for path, other in others:
        for key in ("class_names", "image_size", "task"):
            if other[key] != first[key]:
                raise ValueError(
                    f"One table compares models of the same classes, image size and task; {key} "
                    "differ. "
                    f"Received: {first_path} and {path}"
                )
    return first


def _split_by_gpu(candidates):
    has_gpu = bool(gpu_names())
    runs = [c for c in candidates if has_gpu or not c.needs_gpu]
    left = [
        {
            "file": c.file,
            "runtime": c.runtime,
            "precision": c.precision,
            "reason": "built but there is no GPU here to run it",
        }
        for c in candidates
        if c not in runs
    ]
    return runs, left


def _check_names(candidates):
    names = [candidate.name for candidate in candidates]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Artefacts need file names of their own. Received twice: {twice[0]}")
