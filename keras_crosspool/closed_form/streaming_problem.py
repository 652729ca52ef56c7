"""A ridge classifier to be solved on streamed statistics: memory does not grow with the rows."""

import numpy as np

from keras_crosspool.closed_form.familiarity import Familiarity
from keras_crosspool.closed_form.held_out import HeldOut, LeftOut
from keras_crosspool.closed_form.solution import Solution
from keras_crosspool.numerics.streaming_ridge import StreamingRidge
from keras_crosspool.progress import track
from keras_crosspool.targets import task_of

BATCH = 4096  # rows
MOST_JUDGED = 100_000  # rows that alpha, weights and calibration are chosen by
MOST_IMAGES_OUT = 4000  # images that are held out one by one
_IMAGES = 256  # of them at once


class StreamingProblem:
    """What is to be solved, at any weights and alpha, from two passes over a worker's own rows.

    The first adds up the statistics, here; the second scores held-out rows. Where there are very
    many, a random draw of them is scored: a hundred thousand tell as much of a few numbers.

    Attributes:
        judged: int, the rows of all workers that `held_out_scores` are for.
        labels: of the rows of all workers.

    Args:
        branches: list of `Branch`.
        labels: of this worker's rows, int `(m,)` or multi-hot.
        num_classes: int.
        method: `Method`, the ridge: its alphas are tried.
        folds: int, the fold of every row of all workers, or `None`.
        rows: `RowGroups`.
        seed: int, of the draw.
        most_judged: int, rows of all workers that are scored. Defaults to a hundred thousand.
    """

    def __init__(
        self, branches, labels, num_classes, method, folds, rows, seed, most_judged=MOST_JUDGED
    ):
        self.branches, self.method, self.folds, self.rows = branches, method, folds, rows
        self._distribution = branches[0].distribution
        self._labels, self._num_classes = labels, num_classes
        self.labels = self._distribution.all_gather(labels)
        own, count = rows.owners == self._distribution.rank, len(rows.owners)
        self._own_folds = np.zeros(len(labels), int) if folds is None else folds[own]
        self._own_images, self._seed = rows.images[own], seed
        draw = np.random.default_rng(seed).random(count) * count < most_judged
        self.judged = np.flatnonzero(draw)
        self._own_judged = np.flatnonzero(draw[own])
        self._statistics = self._add_up(1 if folds is None else folds.max() + 1)

    def solve(self, weights, alpha, temperature):
        """The `Solution` with scores over the temperature."""
        scale = self._scale(weights)
        kernel, bias = self._statistics.solve(alpha, scale=scale)
        mean = scale**2 * self._statistics.mean()
        columns = np.column_stack([kernel / temperature, mean])
        ends = np.cumsum([branch.dims for branch in self.branches])[:-1]
        kernels = zip(self.branches, np.split(columns, ends), strict=True)
        kernel = np.concatenate([branch.unprojected(part) for branch, part in kernels])
        kernel = kernel.astype("float32")
        return Solution(kernel[:, :-1], bias / temperature, kernel[:, -1])

    def familiarity(self, weights):
        """The `Familiarity` of the judged rows, by those of other folds."""
        likeness = np.empty(len(self._own_judged))
        folds, scale = self._own_folds[self._own_judged], self._scale(weights)
        for fold in np.unique(self.folds):
            held_out = np.flatnonzero(folds == fold)
            mean = scale**2 * self._statistics.mean(without=fold)
            for start in range(0, len(held_out), BATCH):
                positions = held_out[start : start + BATCH]
                likeness[positions] = self._rows(self._own_judged[positions]) @ mean
        return Familiarity(self._distribution.all_gather(likeness))

    def held_out_scores(self, weights, alpha):
        """The scores of the judged rows by a classifier without their fold."""
        scores = np.empty((len(self._own_judged), self._num_classes))
        folds, scale = self._own_folds[self._own_judged], self._scale(weights)
        for fold in np.unique(self.folds):
            held_out = np.flatnonzero(folds == fold)
            kernel, bias = self._statistics.solve(alpha, without=fold, scale=scale)
            for start in range(0, len(held_out), BATCH):
                positions = held_out[start : start + BATCH]
                scores[positions] = self._rows(self._own_judged[positions]) @ kernel + bias
        return self._distribution.all_gather(scores)

    def left_out(self, weights, alpha):
        """The scores of some rows by a classifier without the views of their image: `LeftOut`."""
        if self.folds is None or not self.rows.has_sessions:
            return LeftOut()
        own = self._rows_of_drawn_images()
        images, labels = self._own_images[own], self._labels[own]
        scores = np.empty((len(own), self._num_classes))
        solution = self._statistics.solution(alpha, self._scale(weights))
        drawn = np.unique(images)
        for start in range(0, len(drawn), _IMAGES):
            batch = np.isin(images, drawn[start : start + _IMAGES])
            rows, targets = self._rows(own[batch]), self._targets(labels[batch])
            scores[batch] = solution.scores_without(rows, targets, images[batch])
        gather = self._distribution.all_gather
        return LeftOut(HeldOut(gather(scores), gather(labels)))

    def _rows_of_drawn_images(self):
        """The positions of this worker's rows of some images, int `(drawn,)`."""
        images = np.unique(self.rows.images)
        share = min(1.0, MOST_IMAGES_OUT / len(images))
        drawn = images[np.random.default_rng(self._seed).random(len(images)) < share]
        return np.flatnonzero(np.isin(self._own_images, drawn))

    def _add_up(self, folds):
        dims = sum(branch.dims for branch in self.branches)
        statistics = StreamingRidge(dims, self._num_classes, folds)
        for start in track(range(0, len(self._labels), BATCH), "sums over the rows"):
            batch = slice(start, start + BATCH)
            targets = self._targets(self._labels[batch])
            statistics.update(self._rows(batch), targets, self._own_folds[batch])
        statistics.reduce(self._distribution.all_reduce)
        return statistics

    def _targets(self, labels):
        return task_of(labels).targets(labels, self._num_classes)

    def _rows(self, positions):
        return np.concatenate([branch.take(positions) for branch in self.branches], axis=1)

    def _scale(self, weights):
        return np.repeat(weights, [branch.dims for branch in self.branches])
