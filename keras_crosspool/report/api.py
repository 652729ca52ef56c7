"""`report_model`: the page of a model directory from beginning to end."""

import pathlib

from keras_crosspool.data import open_split
from keras_crosspool.evaluation import predict_logits
from keras_crosspool.evaluation.unknown import evaluate_unknown
from keras_crosspool.files import atomic_path, check_not_an_input
from keras_crosspool.limits import MAX_MEGAPIXELS
from keras_crosspool.models.directory import (
    HISTORY_FILE,
    add_files,
    load_model,
    model_directory,
    own_splits,
    unsplit_part,
)
from keras_crosspool.records import read_record
from keras_crosspool.report.artefacts import read_artefacts
from keras_crosspool.report.latency import read_latency
from keras_crosspool.report.measured import measure
from keras_crosspool.report.model_report import ModelReport
from keras_crosspool.report.page import report_page

PAGE_FILE = "report.html"
_SUFFIXES = (".html", ".htm")


def report_model(
    model,
    output=None,
    data=None,
    split=None,
    artefacts=None,
    latency=None,
    unknown=None,
    splits=None,
    data_dir=None,
    batch_size=32,
    skip_broken=False,
    max_megapixels=MAX_MEGAPIXELS,
):
    """Writes a page about a trained model: one HTML file that needs no other file and no network.

    Args:
        model: path of a model directory.
        output: path of the HTML file. Defaults to `report.html` in the model directory.
        data: str, the images to measure on, as `open_split` takes them. Defaults to the training
            data.
        split: str, the split to measure on. Defaults to the one that training validated with;
            without one nothing is measured.
        artefacts: path of a folder of exported files to show. Defaults to none.
        latency: path of a JSON file of `benchmarks.latency` to show. Defaults to none.
        unknown: path of a folder of images of none of the classes. Defaults to none.
        splits: path of a table `file,split`, of a folder without splits. Defaults to that of the
            model.
        data_dir: str, folder where TFDS keeps its data sets. Defaults to that of TFDS.
        batch_size: int, images computed at once. Defaults to `32`.
        skip_broken: bool, whether images that cannot be used are left out. Defaults to `False`.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        `pathlib.Path` of the page.

    Raises:
        ValueError: if the model, the images, the artefacts or the latency are not as expected.
        OSError: if the page cannot be written.

    Example:

    >>> keras_crosspool.report_model("model", "report.html", split="test")  # doctest: +SKIP
    PosixPath('report.html')
    """
    page = _checked_output(output, model, data, latency, artefacts)
    classifier, metadata = load_model(model)
    owned = model_directory(model)
    is_own = page.resolve() == (owned.path / PAGE_FILE).resolve()
    if is_own:
        owned.check()
    files = () if artefacts is None else read_artefacts(artefacts, classifier, metadata)
    timed = None if latency is None else read_latency(latency, metadata)
    images = {"skip_broken": skip_broken, "max_megapixels": max_megapixels}
    opened = _opened(model, metadata, data, split, splits, data_dir, unknown, images)
    measured = None
    if opened:
        logits, labels = predict_logits(classifier, opened, metadata.image_size, batch_size)
        others = unknown and evaluate_unknown(classifier, metadata, logits, unknown, **images)
        same = data in (None, metadata.data["path"]) and splits is None
        is_validation = same and split in (None, metadata.data.get("val_split"))
        measured = measure(
            classifier, metadata, opened, logits, labels, is_validation, others or None
        )
    report = ModelReport(metadata, measured, _history(owned), files, timed)
    if is_own:
        add_files(model, lambda folder: write_page(folder / PAGE_FILE, report))
    else:
        write_page(page, report)
    return page


def write_page(path, report):
    """Writes the page of a report, whole or not at all.

    Args:
        path: path of the HTML file.
        report: `ModelReport`.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_path(path) as file, file.open("w", encoding="utf-8") as page:
        page.writelines(report_page(report))


def _checked_output(output, model, data, latency, artefacts):
    """The path of the page, refused where it is no HTML file or would replace what is read."""
    own = pathlib.Path(model) / PAGE_FILE
    page = own if output is None else pathlib.Path(output)
    if page.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"`output` must end in .html. Received: `output={page}`")
    if page.resolve() != own.resolve():
        folders = [folder for folder in (model, data, artefacts) if folder]
        check_not_an_input(page, [path for path in (latency,) if path], folders)
    return page


def _opened(model, metadata, data, split, splits, data_dir, unknown, images):
    """The split to measure on; `None` where training had none and none is named."""
    split = split or (data and unsplit_part(model, metadata, data, splits))
    split = split or metadata.data.get("val_split")
    if split:
        return open_split(
            data or metadata.data["path"],
            split,
            metadata.class_names,
            task=metadata.task,
            data_dir=data_dir,
            splits=splits or own_splits(model),
            **images,
        )
    for name, value in (("data", data), ("unknown", unknown)):
        if value:
            raise ValueError(
                "Training validated with no split, so name the one to measure on by `split`. "
                f"Received: `{name}={value}` alone"
            )
    return None


def _history(owned):
    """The history of fine-tuning that training wrote; empty without one."""
    if HISTORY_FILE not in owned.files():
        return {}
    kind = dict[str, tuple[float | None, ...]]
    return read_record(kind, owned.find(HISTORY_FILE), "train again or restore it")
