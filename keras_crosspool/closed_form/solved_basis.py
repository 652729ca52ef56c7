"""What a solved classifier stands on: enough to solve it again with other images."""

import dataclasses

import numpy as np

from keras_crosspool.closed_form.branch import extended_gram
from keras_crosspool.closed_form.classifier import solve_branches
from keras_crosspool.stacked_rows import StackedRows


@dataclasses.dataclass(frozen=True)
class SolvedBasis:
    """Descriptors of the training images and what was chosen for them.

    Attributes:
        branches: dict, branch name to its `Branch`, in the model's order.
        labels: int `(n,)` or multi-hot `(n, num_classes)`, of the rows.
        images: int `(n,)`, the image that each row is a view of: an index into `names`.
        groups: int `(n,)`, the session of each row.
        names: tuple of str, of the images.
        alpha: float.
        weights: tuple of float, one a branch.
    """

    branches: dict
    labels: np.ndarray
    images: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...]
    alpha: float
    weights: tuple[float, ...]

    @classmethod
    def of(cls, descriptors, branch_names, classifier, names):
        """The basis of a classifier that was solved on some of the branches of descriptors.

        Args:
            descriptors: `Descriptors`.
            branch_names: sequence of str, those of the model.
            classifier: `LinearClassifier`.
            names: sequence of str, of the images.
        """
        return cls(
            {name: descriptors.branches[name] for name in branch_names},
            descriptors.labels,
            descriptors.images,
            descriptors.groups,
            tuple(names),
            classifier.alpha,
            tuple(classifier.weights),
        )

    def kept(self, rows):
        """The basis of some of the rows.

        Args:
            rows: bool `(n,)`; all views of an image or none of them.
        """
        chosen = np.flatnonzero(rows)
        images = np.unique(self.images[chosen])
        branches = {
            name: _rows_of(branch, images if branch.rows is not None else chosen)
            for name, branch in self.branches.items()
        }
        return self._renumbered(branches, chosen, images)

    def joined(self, other):
        """The basis of these rows and then those of another, with what was chosen here.

        Args:
            other: `SolvedBasis` with the same branches and classes.
        """
        count = len(self.names)
        branches = {
            name: _joined(branch, other.branches[name], count)
            for name, branch in self.branches.items()
        }
        return dataclasses.replace(
            self,
            branches=branches,
            labels=np.concatenate([self.labels, other.labels]),
            images=np.concatenate([self.images, count + other.images]),
            groups=np.concatenate([self.groups, self.groups.max() + 1 + other.groups]),
            names=(*self.names, *other.names),
        )

    def solve(self, num_classes, reject_rate):
        """Solves the classifier with the alpha and the weights that were chosen.

        Args:
            num_classes: int.
            reject_rate: float, as `solve_branches` takes it.

        Returns:
            `LinearClassifier`, calibrated on these rows.
        """
        return solve_branches(
            list(self.branches.values()),
            self.labels,
            num_classes,
            images=self.images,
            groups=self.groups,
            reject_rate=reject_rate,
            chosen=(self.weights, self.alpha),
        )

    def _renumbered(self, branches, chosen, images):
        """The rows chosen, with their images counted anew."""
        number = {image: index for index, image in enumerate(images)}
        of_row = np.array([number[image] for image in self.images[chosen]], int)
        branches = {
            name: dataclasses.replace(branch, rows=None if branch.rows is None else of_row)
            for name, branch in branches.items()
        }
        return dataclasses.replace(
            self,
            branches=branches,
            labels=self.labels[chosen],
            images=of_row,
            groups=self.groups[chosen],
            names=tuple(self.names[image] for image in images),
        )


def _rows_of(branch, descriptors):
    gram = branch.descriptor_gram[np.ix_(descriptors, descriptors)]
    rows = branch.descriptors
    if len(descriptors) < len(rows):
        rows = rows[descriptors]
    return dataclasses.replace(branch, descriptors=rows, known_gram=gram, fold_grams={})


def _joined(branch, added, count):
    rows = None if branch.rows is None else np.concatenate([branch.rows, count + added.rows])
    return dataclasses.replace(
        branch,
        descriptors=StackedRows.of(branch.descriptors, added.descriptors),
        rows=rows,
        known_gram=extended_gram(branch.descriptor_gram, branch.descriptors, added.descriptors),
        fold_grams={},
    )
