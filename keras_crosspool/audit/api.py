"""`audit_images`: the audit of a folder of photographs from beginning to end."""

import collections
import importlib.util
import time

import numpy as np

from keras_crosspool.audit.classes import alike_classes, class_reports, to_photograph
from keras_crosspool.audit.described import describe_images
from keras_crosspool.audit.duplicates import duplicate_findings, find_copies
from keras_crosspool.audit.evidence import held_out_evidence
from keras_crosspool.audit.finding import KINDS
from keras_crosspool.audit.label_findings import image_scores, label_findings
from keras_crosspool.audit.labels import label_quality
from keras_crosspool.audit.looks import find_useless, look_at
from keras_crosspool.audit.outliers import find_outliers
from keras_crosspool.audit.output import check_output, write_audit
from keras_crosspool.audit.photographs import open_photographs
from keras_crosspool.audit.report import AuditReport
from keras_crosspool.audit.trial import run_trial
from keras_crosspool.limits import MAX_MEGAPIXELS
from keras_crosspool.names import readable


def audit_images(
    data,
    output=None,
    model=None,
    splits=None,
    groups="auto",
    batch_size=32,
    max_megapixels=MAX_MEGAPIXELS,
):
    """Finds wrong labels, duplicates, leaks, outliers and useless images in a folder.

    No file of the folder is changed. All splits are judged together, each image by classifiers that
    were not trained on it.

    Args:
        data: path of a folder laid out as `split/class/*.jpg`, or with `split/labels.csv`.
        output: path of the folder to write audit.json, audit.csv and audit.html to; an older audit
            is replaced. Defaults to none.
        model: `CrossPoolClassifier`, or path of a model directory, whose descriptors tell the
            images apart. Defaults to scheme 1 on EfficientNetLite0.
        splits: sequence of str. Defaults to all that there are.
        groups: the session of each image, as `keras_crosspool.sessions.with_sessions` takes it.
            Defaults to `"auto"`.
        batch_size: int, images computed at once. Defaults to `32`.
        max_megapixels: float, the largest image that is decoded. Defaults to `MAX_MEGAPIXELS`.

    Returns:
        `AuditReport`.

    Raises:
        ValueError: if the folder is not as expected, or `output` exists and is no audit's.
        ImportError: if cleanlab is not installed.

    Example:

    >>> report = keras_crosspool.audit_images("data/grocery_mini", splits=["test"])
    >>> len(report.images), len(report.of_kind("broken"))
    (192, 0)
    """
    start = time.perf_counter()
    _check_installed()
    if output is not None:
        check_output(output)
    photographs = open_photographs(data, splits, groups, max_megapixels)
    looks = look_at(photographs.images)
    described = describe_images(photographs, model, batch_size)
    copies = find_copies(looks, described.averages)
    findings = [
        *photographs.broken,
        *find_useless(looks, photographs.files),
        *duplicate_findings(copies, photographs),
        *find_outliers(described.averages, copies, photographs.files),
    ]
    report = _judged(photographs, described, findings, readable(data), start)
    if output is not None:
        write_audit(output, report, photographs)
    return report


def _judged(photographs, described, findings, data, start):
    """The report, once the labels and classes are judged too."""
    images = photographs.images
    groups = np.array(images.groups or range(images.size))
    evidence = held_out_evidence(
        described.gram, images.labels, len(images.class_names), groups, images.task
    )
    quality = label_quality(evidence.of_both, images.labels)
    findings += label_findings(quality, photographs, described.averages)
    kinds = list(KINDS)
    classes = class_reports(images, groups, evidence.of_others)
    return AuditReport(
        data=data,
        splits=dict(collections.Counter(photographs.splits)),
        sessions=len(set(images.groups)),
        grouped_by=images.grouped_by,
        trial=run_trial(described.gram, images, groups),
        findings=tuple(sorted(findings, key=lambda f: (kinds.index(f.kind), f.score))),
        images=image_scores(quality, photographs),
        classes=classes,
        alike=alike_classes(images, evidence.of_others),
        photograph_next=to_photograph(classes),
        seconds=time.perf_counter() - start,
    )


def _check_installed():
    if importlib.util.find_spec("cleanlab") is None:
        raise ImportError(
            "cleanlab, which judges the labels, is not installed: run `pip install "
            "keras_crosspool[audit]`. Received: no package cleanlab"
        )
