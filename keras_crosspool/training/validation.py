"""How well a model does on the validation split of a run."""

import dataclasses

import numpy as np

from keras_crosspool.data.split import Split
from keras_crosspool.evaluation import predict_logits, predict_logits_of_each, score
from keras_crosspool.numerics.intervals import difference_interval


@dataclasses.dataclass(frozen=True)
class Validation:
    """A split to validate on, which may be none.

    Attributes:
        split: `Split`, or `None`.
        batch_size: int.
        coarse_names: mapping from class to coarse class, of the training split.
    """

    split: Split | None
    batch_size: int
    coarse_names: dict

    def predictions(self, model):
        """`Predictions` of a model, or `None` without a split."""
        if self.split is None:
            return None
        logits, labels = predict_logits(model, self.split, model.image_size, self.batch_size)
        return Predictions(self.split, logits, labels)

    def predictions_of_each(self, models):
        """The predictions of models that share their input, from one pass over the split.

        Args:
            models: dict, name to model.

        Returns:
            dict, name to `Predictions`, or to `None` without a split.
        """
        if self.split is None:
            return dict.fromkeys(models)
        size = next(iter(models.values())).image_size
        logits, labels = predict_logits_of_each(models, self.split, size, self.batch_size)
        return {name: Predictions(self.split, logits[name], labels) for name in models}

    def scores_of(self, predictions, thresholds=None):
        """The scores of predictions.

        Args:
            predictions: `Predictions`, or `None`.
            thresholds: float `(classes,)`, of several labels. Defaults to one half each.

        Returns:
            dict; empty without predictions.
        """
        if predictions is None:
            return {}
        names = predictions.split.class_names
        found = predictions.logits, predictions.labels
        return score(*found, names, self.coarse_names, thresholds).metrics()

    def advantage(self, predictions, others):
        """How much better predictions are than those of another model on the same images.

        Images of a session count together; of a split without sessions each counts by itself.

        Args:
            predictions: `Predictions`, or `None`.
            others: likewise.

        Returns:
            The ends of the 95 % interval of the difference in the score that counts, two floats;
            `None` if one of the two is `None`, or all images are of one session.
        """
        if predictions is None or others is None:
            return None
        task, groups = self.split.task, self.split.groups or np.arange(self.split.size)
        if len(np.unique(groups)) < 2:
            return None

        def difference(rows):
            own, other = (
                task.measure(found.logits[rows], found.labels[rows])
                for found in (predictions, others)
            )
            return own - other

        return difference_interval(difference, groups)


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a model says of a split.

    Attributes:
        split: `Split`.
        logits: float `(n, classes)`.
        labels: int `(n,)`, or multi-hot.
    """

    split: Split
    logits: np.ndarray
    labels: np.ndarray
