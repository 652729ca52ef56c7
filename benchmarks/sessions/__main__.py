"""What cross-validation promises, by random folds and by sessions, against other photographs.

Scheme 1 and the global average are solved on the training split of each data set, on the frozen
network. Every row is one way to hold out images: each by itself, sessions found by similarity, and
those of groups.csv where there is one. Its score, its calibration and its threshold for images of
none of the classes are compared with the validation split, which shows other photographs.

Classes that were not trained on are met by leaving out a share of them and solving again: their
photographs of the validation split, and those of --unknown where one is named, ought to be refused.

    python -m benchmarks.sessions --data=photos,others --image_sizes=320,224
"""

import dataclasses
import pathlib

import numpy as np
from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["data/grocery_mini"], "Folders of images split/class/*.jpg.")
flags.DEFINE_list("image_sizes", ["224"], "Side of the images of each of them, in pixels.")
flags.DEFINE_string("val_split", "test", "Split of other photographs.")
flags.DEFINE_string("backbone", "efficientnet_lite0", "Pretrained network.")
flags.DEFINE_string("unknown", None, "Folder of images that are none of the classes of any.")
flags.DEFINE_float("unseen", 0.26, "Share of the classes that are not trained on.", 0.0, 0.9)
flags.DEFINE_integer("seed", 0, "Seed of the draw of those classes.", 0)
flags.DEFINE_string("output", "benchmarks/results/sessions.json", "JSON file of the scores.")
flags.DEFINE_string(
    "rejection_output",
    "benchmarks/results/rejection.json",
    "JSON file of how images of none of the classes are met.",
)


_DATA = "The training split by cross-validation, and other photographs beside it"


@dataclasses.dataclass(frozen=True)
class _Solved:
    """Descriptors of a data set by one model, and its other photographs."""

    branch: object
    labels: np.ndarray
    images: np.ndarray
    others: np.ndarray
    other_labels: np.ndarray
    strangers: np.ndarray


def main(_):
    from benchmarks.data_sets import data_sets
    from benchmarks.record import write_record
    from benchmarks.table import rows_table

    rows = [
        row
        for data, size in data_sets(FLAGS.data, FLAGS.image_sizes)
        for row in _rows_of(data, size)
    ]
    names = ("data", "image_sizes", "val_split", "backbone", "unknown", "unseen", "seed")
    arguments = {name: FLAGS[name].value for name in names}
    scores, refused = ([row[part] for row in rows] for part in (0, 1))
    for path, shown in ((FLAGS.output, scores), (FLAGS.rejection_output, refused)):
        write_record(path, {"data": _DATA, "arguments": arguments, "rows": shown})
        print(f"{rows_table(shown)}\nwritten: {path}")


def _rows_of(data, size):
    """For each model and way to hold out its scores, and how it meets unknown classes."""
    from keras_crosspool.data import open_split
    from keras_crosspool.sessions import with_sessions

    training = open_split(data, "train")
    others = open_split(data, FLAGS.val_split, training.class_names)
    from keras_crosspool.sessions.similarity import sessions_by_similarity

    ways = {"random folds": np.arange(training.size)}
    ways["sessions found"] = sessions_by_similarity(training)
    if (pathlib.Path(data) / "groups.csv").is_file():
        ways["groups.csv"] = np.array(with_sessions(training).groups)
    solved = _descriptors(training, others, size)
    name = pathlib.Path(data).name
    classes = len(training.class_names)
    for model, found in solved.items():
        for way, groups in ways.items():
            of = {"data": name, "model": model, "held out": way}
            yield of | _compare(found, groups, ways, classes), of | _refused(found, groups, classes)


def _descriptors(training, others, size):
    """The descriptors of both splits by scheme 1 and the average, dict of `_Solved`."""
    from keras_crosspool import CrossPoolClassifier
    from keras_crosspool.closed_form.fit import adapt_head, compute_descriptors
    from keras_crosspool.closed_form.views import Views
    from keras_crosspool.config.solver_config import SolverConfig

    names = training.class_names
    model = CrossPoolClassifier.from_backbone(FLAGS.backbone, names, image_size=size)
    models = {"global average": model.baseline(), "scheme 1": model}
    adapt_head(model, training, size)
    views = Views(SolverConfig.crop_scales, SolverConfig.mirror)
    own = compute_descriptors(list(models.values()), training, size, views=views)
    other = compute_descriptors(list(models.values()), others, size)
    branches = {name: each.branches[0].name for name, each in models.items()}
    strangers = _strangers(models, size)
    return {
        name: _Solved(
            own.branches[branch],
            own.labels,
            own.images,
            np.asarray(other.branches[branch].descriptors),
            other.labels,
            strangers.get(branch),
        )
        for name, branch in branches.items()
    }


def _strangers(models, size):
    """The descriptors of images of no class at all, by branch."""
    import keras

    from keras_crosspool.data import read_images
    from keras_crosspool.data.listing import Listing

    if not FLAGS.unknown:
        return {}
    paths = Listing(pathlib.Path(FLAGS.unknown)).images_below()
    images = np.stack([image for _, image in read_images(paths, size)])
    outputs = {branch.name: branch.descriptor for m in models.values() for branch in m.branches}
    first = next(iter(models.values()))
    return keras.Model(first.input, outputs).predict(images.astype("float32"), verbose=0)


def _compare(found, groups, ways, classes):
    """What one way to hold out promises, and what the other photographs give."""
    from keras_crosspool.closed_form.classifier import solve_branches
    from keras_crosspool.targets.single_label_scores import SingleLabelScores

    solved = solve_branches(
        [found.branch], found.labels, classes, images=found.images, groups=groups[found.images]
    )
    logits = solved.logits(found.others)
    names = list(map(str, range(classes)))
    scores = SingleLabelScores.measure(logits, found.other_labels, names)
    low, high = solved.interval
    return {
        "sessions": len(np.unique(groups)),
        "Rand index": _agreement(groups, ways, found.labels, found.images),
        "promised": solved.cross_validated["accuracy"],
        "from": low,
        "to": high,
        "given": scores.top1,
        "log loss promised": solved.cross_validated["log_loss"],
        "log loss given": scores.log_loss,
        "calibration error": scores.calibration_error,
    }


def _agreement(groups, ways, labels, images):
    """The adjusted Rand index of the groups of each class with those of groups.csv."""
    from sklearn.metrics import adjusted_rand_score

    if "groups.csv" not in ways:
        return None
    first = np.unique(images, return_index=True)[1]
    of_class = zip(ways["groups.csv"], labels[first], strict=True)
    truth = [f"{group} {label}" for group, label in of_class]
    return float(adjusted_rand_score(truth, groups))


def _refused(found, groups, classes):
    """How classes that were not trained on are met, promised and given."""
    from keras_crosspool.closed_form.classifier import solve_branches
    from keras_crosspool.closed_form.solved_basis import SolvedBasis
    from keras_crosspool.targets.rejection import auroc

    unseen = np.random.default_rng(FLAGS.seed).permutation(classes)[: round(FLAGS.unseen * classes)]
    if len(unseen) < 1 or classes - len(unseen) < 3:
        return {}
    seen = np.setdiff1d(np.arange(classes), unseen)
    basis = SolvedBasis(
        {"descriptors": found.branch},
        found.labels,
        found.images,
        groups[found.images],
        tuple(map(str, np.unique(found.images))),
        0.0,
        (1.0,),
    ).kept(np.isin(found.labels, seen))
    solved = solve_branches(
        list(basis.branches.values()),
        np.searchsorted(seen, basis.labels),
        len(seen),
        images=basis.images,
        groups=basis.groups,
    )
    rejection, known = solved.rejection, np.isin(found.other_labels, seen)
    logits = solved.logits(found.others)
    confident, others = (rejection.confidences(logits[rows]) for rows in (known, ~known))
    given = {
        "confidence": rejection.confidence,
        "AUROC promised": rejection.auroc,
        "AUROC given": auroc(confident, others),
        "known refused": float(rejection.refuses(logits[known]).mean()),
        "unknown accepted": float(1 - rejection.refuses(logits[~known]).mean()),
    }
    if found.strangers is not None:
        strange = rejection.confidences(solved.logits(found.strangers))
        given["AUROC of strangers"] = auroc(confident, strange)
    return given


if __name__ == "__main__":
    run(main, needs="tensorflow")
