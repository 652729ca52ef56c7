"""What a training run found out about its model, as model.json keeps it."""

import dataclasses

from keras_crosspool.numerics.calibration import Calibration


@dataclasses.dataclass(frozen=True)
class SolvedScores:
    """The scores of one solved classifier.

    Attributes:
        alpha: float, chosen by cross-validation.
        cross_validated: dict, score to value, of training images in folds that the classifier was
            solved without; the photographs of a session are in one fold. Empty where one image or
            session a class left nothing to hold out.
        validation: dict, score to value on the validation split; empty without one.
        branch_weights: tuple of float, by which the branches' descriptors were multiplied; `None`
            for one branch.
        interval: tuple of float, the ends of the 95 % interval of the cross-validated score that
            counts; `None` without cross-validation, for one session, and for several labels that
            score alike in all sessions.
        advantage: tuple of float, the ends of the 95 % interval of how much better it is than the
            baseline on the validation split, in the score that counts; `None` without either.
        temperature, offset, inverse_limit: float, the `Calibration`.
        same_sessions: float, that score where photographs of the same session were trained on;
            `None` where no sessions are known, or the solver does not tell.
    """

    alpha: float
    cross_validated: dict[str, float]
    validation: dict[str, float] = dataclasses.field(default_factory=dict)
    branch_weights: tuple[float, ...] | None = None
    interval: tuple[float, ...] | None = None
    same_sessions: float | None = None
    advantage: tuple[float, ...] | None = None
    temperature: float = 1.0
    offset: float = 0.0
    inverse_limit: float = 0.0

    @property
    def calibration(self):
        """The `Calibration` of the raw scores."""
        return Calibration(self.temperature, self.offset, self.inverse_limit)

    @classmethod
    def of(cls, classifier, validation=None, advantage=None):
        """The scores of a `LinearClassifier`, with those of a validation split."""
        return cls(
            classifier.alpha,
            dict(classifier.cross_validated),
            validation or {},
            classifier.weights if len(classifier.weights) > 1 else None,
            classifier.interval,
            classifier.same_sessions,
            advantage,
            *dataclasses.astuple(classifier.calibration),
        )


@dataclasses.dataclass(frozen=True)
class TuningScores:
    """What fine-tuning reached, and how fast.

    Attributes:
        stages: dict, `"solved"`, on the network as it was, and `"tuned"`, solved on the tuned one,
            or without a solver `"fine_tuned"` alone, to the score on the validation split of the
            weights at the end of that stage; empty without a split.
        kept_stage: str, whose weights were kept; `None` without a split: the last one's.
        baseline: float, that score of the global average, solved on the tuned network; `None`
            without a split or a baseline.
        advantage: tuple of float, the ends of the 95 % interval of how much better the tuned model
            is than that baseline; `None` likewise.
        images_per_second: float, of training; `None` for too few steps to tell.
        input_images_per_second: float, of the input alone; likewise.
        bound: str, which of the two is the limit, `"input"` or `"compute"`; likewise.
    """

    stages: dict[str, float] = dataclasses.field(default_factory=dict)
    kept_stage: str | None = None
    baseline: float | None = None
    advantage: tuple[float, ...] | None = None
    images_per_second: float | None = None
    input_images_per_second: float | None = None
    bound: str | None = None


@dataclasses.dataclass(frozen=True)
class PairScore:
    """How well scheme 1 does on one pair of feature maps, by cross-validation across sessions.

    Attributes:
        features_layer: str, layer of the local features.
        guidance_layer: str, layer of the guidance, the later one.
        stride: int, pixels of the image from one position of the maps to the next.
        score: float, accuracy, or mean average precision for several labels an image.
        log_loss: float, nats; pairs are compared by it.
    """

    features_layer: str
    guidance_layer: str
    stride: int
    score: float
    log_loss: float

    def words(self):
        """The pair and how well it does, in a line."""
        pair = f"{self.features_layer} with {self.guidance_layer}, stride {self.stride}"
        return f"{pair}: log loss {self.log_loss:.4f}, score {self.score:.4f}"


@dataclasses.dataclass(frozen=True)
class TrainingScores:
    """The scores of a training run.

    Attributes:
        validation: dict, score to value on the validation split, of the model that was written;
            empty without a split.
        solved: `SolvedScores` before any fine-tuning; `None` if no solver was asked for.
        baseline: `SolvedScores` of the average over positions; `None` if it was not solved.
        schemes: dict, scheme to `SolvedScores`, of those among which `scheme="auto"` chose.
        chosen_scheme: str, the one of them that was chosen, or `None`.
        pairs: tuple of `PairScore`, the best first, of the pairs of feature maps that
            `pair="search"` compared; empty without it.
        tuning: `TuningScores`, or `None` without fine-tuning.
        seconds: dict, stage to seconds; fine-tuning that was stopped counts from where it was last
            taken up.
        uncompressed: dict, score to value on the validation split of the model before its
            descriptor was shortened, calibrated on that split as the shorter one is; empty where
            it was not, or without a split.
        compressed_alpha: float, chosen for the shorter descriptor; `None` where it was not
            shortened.
    """

    validation: dict[str, float] = dataclasses.field(default_factory=dict)
    solved: SolvedScores | None = None
    baseline: SolvedScores | None = None
    schemes: dict[str, SolvedScores] = dataclasses.field(default_factory=dict)
    chosen_scheme: str | None = None
    pairs: tuple[PairScore, ...] = ()
    tuning: TuningScores | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    uncompressed: dict[str, float] = dataclasses.field(default_factory=dict)
    compressed_alpha: float | None = None

    @property
    def cross_validated(self):
        """The cross-validated scores of the solved classifier, a dict; empty without any."""
        return self.solved.cross_validated if self.solved else {}

    @property
    def changed_by(self):
        """What changed the model after it was solved: a list of str, such as `"fine-tuning"`."""
        is_tuned = self.tuning is not None and self.tuning.kept_stage != "solved"
        is_compressed = self.compressed_alpha is not None or bool(self.uncompressed)
        return ["fine-tuning"] * is_tuned + ["compression"] * is_compressed

    def before_changes(self):
        """What to add to words on the solved model where that is not the one that was written."""
        return f", before {' and '.join(self.changed_by)}" if self.changed_by else ""

    def rows(self):
        """The scores in words.

        Yields:
            Pairs of what a score is and its value, such as `("accuracy, baseline", 0.745)`.
        """
        yield from _rows(self.validation, "")
        yield from _rows(self.uncompressed, ", before compression")
        before = self.before_changes()
        yield from _rows(self.cross_validated, f", cross-validated{before}")
        if self.solved and self.solved.same_sessions is not None:
            yield f"of the same sessions, cross-validated{before}", self.solved.same_sessions
        if self.baseline:
            yield from _rows(self.baseline.validation, ", baseline")
            yield from _rows(self.baseline.cross_validated, ", baseline, cross-validated")
        for scheme, scores in self.schemes.items():
            yield from _rows(scores.cross_validated, f", {scheme}, cross-validated{before}")
        for pair in self.pairs:
            yield f"log loss, {pair.features_layer} with {pair.guidance_layer}", pair.log_loss
        if self.solved:
            whole = ", before compression" if "compression" in self.changed_by else ""
            yield f"alpha{whole}", self.solved.alpha
        if self.compressed_alpha is not None:
            yield "alpha", self.compressed_alpha


def _rows(scores, of):
    for name, value in scores.items():
        yield f"{name.replace('_', ' ')}{of}", value
