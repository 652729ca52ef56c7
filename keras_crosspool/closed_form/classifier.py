"""Solves the classifier of a zoo model: alpha by cross-validation, calibrated logits."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.choice import Choice, choose, interval_of
from keras_crosspool.closed_form.gram_problem import GramProblem
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.row_groups import RowGroups
from keras_crosspool.closed_form.streaming_problem import StreamingProblem
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.models.limited_dense import LimitedDense
from keras_crosspool.numerics.calibration import Calibration
from keras_crosspool.targets import task_of
from keras_crosspool.targets.rejection import Rejection, choose_rejection


@dataclasses.dataclass(frozen=True)
class LinearClassifier:
    """A solved classifier: the logits are those of `descriptors @ kernel + bias`, with the limit.

    To all of them is added what an image has in common with the training images, `familiarity`.

    Attributes:
        kernel: float32 `(dims, num_classes)`.
        bias: float32 `(num_classes,)`.
        alpha: float, chosen by cross-validation.
        calibration: `Calibration`, that makes the probabilities of the logits mean what they say.
            Temperature and offset are in kernel and bias; the limit is to be applied to their
            scores, as `write_to` has a layer do it.
        weights: tuple of float, by which the branches' descriptors were multiplied; the kernel is
            for descriptors without them.
        validation: dict, alpha to its cross-validated `log_loss` (nats) and its `accuracy`, or
            `mean_average_precision` for several labels an image.
        familiarity: float32 `(dims,)`. Its inner product with a descriptor, plus
            `familiarity_bias`, is how like the training images the image is: 0 as images of the
            classes are on average, -1 a standard deviation less. Zeros for several labels an image,
            or without cross-validation.
        familiarity_bias: float.
        thresholds: float `(num_classes,)`, the probability from which on each label of several is
            said to be there, by the cross-validated scores; `None` for one class an image.
        interval: pair of float, the 95 % interval of the cross-validated `accuracy` or
            `mean_average_precision` at the chosen alpha; `None` without cross-validation.
        same_sessions: float, the same score of images that are held out one by one, so that
            photographs of their session stay; `None` where images have no sessions, or it cannot
            be had from one fit.
        rejection: `Rejection`, from when on an image is none of the classes; `None` for several
            labels an image, or without cross-validation.
    """

    kernel: np.ndarray
    bias: np.ndarray
    alpha: float
    calibration: Calibration
    weights: tuple[float, ...]
    validation: dict
    familiarity: np.ndarray
    familiarity_bias: float
    thresholds: np.ndarray | None = None
    interval: tuple[float, float] | None = None
    same_sessions: float | None = None
    rejection: Rejection | None = None

    @property
    def cross_validated(self):
        """The cross-validated scores at the chosen alpha; empty without cross-validation."""
        return self.validation.get(self.alpha, {})

    @property
    def choice(self):
        """The `Choice` of alpha, weights and calibration, for a solver that is to keep it."""
        return Choice(self.weights, self.alpha, self.calibration)

    def logits(self, descriptors):
        """The logits of descriptors, float `(n, dims)` to `(n, num_classes)`."""
        limit = Calibration(inverse_limit=self.calibration.inverse_limit)
        common = descriptors @ self.familiarity + self.familiarity_bias
        return limit.logits(descriptors @ self.kernel + self.bias) + common[:, None]

    def write_to(self, layer):
        """Writes the classifier into a `LimitedDense`.

        Raises:
            TypeError: if the layer is another one.
        """
        if not isinstance(layer, LimitedDense):
            raise TypeError(
                "A solved classifier limits its logits, which takes a last layer of the class "
                "LimitedDense: build the model without `logits`. "
                f"Received: {type(layer).__name__}"
            )
        limit = self.calibration.inverse_limit
        layer.assign(self.kernel, self.bias, limit, self.familiarity, self.familiarity_bias)


def solve_branches(
    branches,
    labels,
    num_classes,
    method="ridge",
    images=None,
    groups=None,
    seed=0,
    form="gram",
    reject_rate=SolverConfig.reject_rate,
    chosen=None,
    kept=None,
):
    """Solves one linear classifier, in closed form, on the descriptors of branches, weighted.

    The alpha is the one with the lowest cross-validated log loss, each alpha at its own best
    temperature. The weights are tried at the alpha that suits equal ones; they are the ones with
    the lowest cross-validated log loss. A weight is the same as an alpha of its own for that
    branch, so it ends in the kernel, and the descriptors stay as they are. What was chosen is then
    calibrated; temperature and offset are in kernel and bias.

    Where the branches are distributed, each worker gives its own rows and all get one classifier.

    Args:
        branches: list of `Branch`.
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        num_classes: int.
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        images: int `(n,)`, the image each row comes from; rows of one image, such as its
            mirror image, are held out together. Defaults to an image a row.
        groups: int `(n,)`, the session of each row: photographs that were taken together, which
            are held out together too. Defaults to the images.
        seed: int, of the folds. Defaults to `0`.
        form: `"gram"`, on the `n x n` inner products of the rows, or `"primal"`, on the
            `dims x dims` ones of the columns, for the ridge alone: two ways to one solution.
            `"projected"` is `"primal"` on projected branches. Defaults to `"gram"`.
        reject_rate: float, the share of images of the classes that may be said to be of none.
            Defaults to that of `SolverConfig`.
        chosen: pair of weights and alpha that are to be kept. Defaults to none: they are chosen.
        kept: `Choice` that was made before, its calibration included, where the images have
            shaped the descriptors, so that cross-validation would flatter: nothing is chosen by
            it. Defaults to none.

    Returns:
        A `LinearClassifier` for the concatenated descriptors.

    Raises:
        ValueError: if the method is unknown or has no such form, all images are labelled
            alike, or branches with `fold_grams` are to be solved in another form than `"gram"`.

    Example:

    >>> from keras_crosspool.closed_form.branch import Branch
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1, 2], 20)
    >>> descriptors = (np.eye(3)[labels] + 0.1 * rng.normal(size=(60, 3))).astype("float32")
    >>> classifier = solve_branches([Branch(descriptors)], labels, num_classes=3)
    >>> logits = classifier.logits(descriptors)
    >>> float((logits.argmax(axis=1) == labels).mean())
    1.0
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: {method!r}")
    if form not in METHODS[method].forms:
        raise ValueError(
            f"The {method} is solved in one of the forms {', '.join(METHODS[method].forms)}. "
            f"Received: form={form!r}"
        )
    if form != "gram" and any(branch.fold_grams for branch in branches):
        raise ValueError(
            "A branch that was fitted anew for each fold, such as the trained guidance of scheme "
            f"2, is judged by Gram matrices alone: take the form gram. Received: form={form!r}"
        )
    problem = _problem(branches, labels, num_classes, METHODS[method], images, groups, seed, form)
    if kept is not None:
        return _solved_as(kept, problem, _familiarity(problem, kept.weights))
    chosen, validation = choose(problem, chosen)
    out = problem.left_out(chosen.weights, chosen.alpha)
    familiarity = _familiarity(problem, chosen.weights)
    task = task_of(labels)
    return dataclasses.replace(
        _solved_as(chosen, problem, familiarity),
        validation=validation,
        thresholds=chosen.thresholds,
        interval=interval_of(problem, chosen),
        same_sessions=out.images and task.measure(out.images.scores, out.images.labels),
        rejection=familiarity
        and _rejection(chosen, out.classes, familiarity, problem, reject_rate),
    )


def _solved_as(choice, problem, familiarity):
    """The classifier of a `Choice`, without what cross-validation says of it."""
    calibration = choice.calibration
    solution = problem.solve(choice.weights, choice.alpha, calibration.temperature)
    common, common_bias = np.zeros_like(solution.mean), 0.0
    if familiarity is not None:
        common = (solution.mean / familiarity.deviation).astype("float32")
        common_bias = -familiarity.mean / familiarity.deviation
    return LinearClassifier(
        solution.kernel,
        (solution.bias + calibration.offset).astype("float32"),
        choice.alpha,
        calibration,
        choice.weights,
        validation={},
        familiarity=common,
        familiarity_bias=common_bias,
    )


def cross_validation_folds(labels, groups=None, images=None, seed=0):
    """The fold of every row, int `(n,)`, or `None` where there is nothing to hold out.

    Images are drawn, whatever the number of their views: whoever asks for the folds of the images
    themselves gets the same ones.

    Args:
        labels: int `(n,)`, or multi-hot `(n, num_classes)`.
        groups: int `(n,)`, the session of each row, which stays in one fold. Defaults to the
            images.
        images: int `(n,)`, the image of each row. Defaults to an image a row.
        seed: int. Defaults to `0`.
    """
    images = np.arange(len(labels)) if images is None else images
    groups = images if groups is None else groups
    _, first, rows = np.unique(images, return_index=True, return_inverse=True)
    fold_of = task_of(labels).folds(labels[first], groups[first], seed)
    return None if fold_of is None else fold_of[rows]


def _problem(branches, labels, num_classes, method, images, groups, seed, form):
    """The problem in the form in which it is to be solved, the same for every worker."""
    distribution = branches[0].distribution
    all_labels = distribution.all_gather(labels)
    if (all_labels == all_labels[0]).all():
        raise ValueError("A classifier needs images of two classes or more. Received: one class")
    owners = distribution.all_gather(np.full(len(labels), distribution.rank))
    images = np.arange(len(owners)) if images is None else distribution.all_gather(images)
    sessions = images if groups is None else distribution.all_gather(groups)
    rows = RowGroups(images, sessions, owners)
    folds = cross_validation_folds(all_labels, rows.sessions, rows.images, seed)
    if form == "gram":
        targets = task_of(labels).targets(all_labels, num_classes)
        return GramProblem(branches, all_labels, targets.astype("float64"), method, folds, rows)
    return StreamingProblem(branches, labels, num_classes, method, folds, rows, seed)


def _familiarity(problem, weights):
    """The `Familiarity` of the rows; `None` for several labels, or where nothing is held out."""
    told = problem.folds is not None and task_of(problem.labels).rejects
    return problem.familiarity(weights) if told else None


def _rejection(chosen, unknown, familiarity, problem, rate):
    """When an image is none of the classes."""
    logits = chosen.logits + familiarity.deviations(familiarity.known)[:, None]
    of_others = None
    if unknown is not None:
        common = familiarity.deviations(familiarity.unknown)
        of_others = chosen.calibration.logits(unknown.scores) + common[:, None]
    return choose_rejection(logits, problem.labels[problem.judged], of_others, rate)
