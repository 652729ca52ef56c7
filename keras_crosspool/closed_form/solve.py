"""`CrossPoolClassifier.solve`: the closed-form fit of one model, and what it reports."""

import dataclasses
import math
import time

from keras_crosspool.closed_form.choice import Choice
from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.targets.rejection import Rejection
from keras_crosspool.text import percent


@dataclasses.dataclass(frozen=True)
class SolveReport:
    """What solving a classifier found out, by cross-validation on the images it was solved on.

    `print` shows it in words.

    Attributes:
        alpha: float, the regularisation that was chosen.
        metric: str, `"accuracy"`, or `"mean_average_precision"` for several labels an image.
        score: float, cross-validated; `nan` where one image a class left nothing to hold out.
        interval: pair of float, the 95 % interval of the score; `None` without one.
        same_sessions: float, the score where photographs of the same session were trained on;
            `None` where no sessions are known, or the solver does not tell.
        log_loss: float, cross-validated, in nats.
        baseline_score: float, that of the average over positions; `None` if it was not solved.
        baseline_log_loss: float, likewise.
        images: int, the number of images.
        sessions: int, the number of sessions that were held out whole; 0 where each image stands
            for itself.
        grouped_by: str, in words where the sessions come from.
        num_classes: int.
        seconds: float, for all of it.
        rejection: `Rejection`, from when on an image is none of the classes, or `None`.
        choice: `Choice`, alpha, weights of the branches and calibration, which `tune` and
            `compress` take over, but for weights of regions and for alpha.
    """

    alpha: float
    metric: str
    score: float
    interval: tuple[float, float] | None
    same_sessions: float | None
    log_loss: float
    baseline_score: float | None
    baseline_log_loss: float | None
    images: int
    sessions: int
    grouped_by: str
    num_classes: int
    seconds: float
    rejection: Rejection | None = None
    choice: Choice | None = dataclasses.field(default=None, repr=False)

    def __str__(self):
        whose = f" of other sessions ({self.sessions}, {self.grouped_by})" if self.sessions else ""
        done = f"solved on {self.images} images of {self.num_classes} classes"
        done += f" in {self.seconds:.1f} s"
        if math.isnan(self.score):
            return f"{done}\nalpha {self.alpha:g}; too few to cross-validate, so no score"
        lines = [
            done,
            f"alpha {self.alpha:g}, chosen by cross-validation on images{whose}:",
            f"  {self.metric.replace('_', ' ')} {percent(self.score, self.interval)}, "
            f"log loss {self.log_loss:.3f}",
        ]
        if self.same_sessions is not None:
            lines.append(f"  of the same sessions: {percent(self.same_sessions)}")
        if self.baseline_score is not None:
            lines.append(
                f"  the average over positions: {percent(self.baseline_score)}, "
                f"log loss {self.baseline_log_loss:.3f}"
            )
        if self.rejection:
            lines.append(f"  none of the classes: {self.rejection.words()}")
        return "\n".join(lines)


def solve(model, images, solver, guidance):
    """Solves the head of a classifier on labelled images.

    Args:
        model: `CrossPoolClassifier`; its projections, guidance and last layer are written.
        images: `Split` or `ArrayImages`.
        solver: `SolverConfig`; its method must not be none.
        guidance: `GuidanceConfig`; its batch size and cache folder are those of the whole fit.

    Returns:
        `SolveReport`.

    Raises:
        ValueError: if there are too few images, or no form of the solver fits the memory.
    """
    start = time.perf_counter()
    head = HeadSolver(images, solver, guidance)
    regions = head.adapt(model)
    models = [model, model.baseline()] if solver.baseline else [model]
    solved, _ = head.solve(models, regions)
    model.thresholds = solved[0].thresholds
    return _report(solved, images, time.perf_counter() - start)


def _report(solved, images, seconds):
    scores = [classifier.cross_validated for classifier in solved]
    baseline = scores[1] if len(scores) > 1 else {}
    metric, nothing = images.task.metric, float("nan")
    return SolveReport(
        alpha=solved[0].alpha,
        metric=metric,
        score=scores[0].get(metric, nothing),
        interval=solved[0].interval,
        same_sessions=solved[0].same_sessions,
        log_loss=scores[0].get("log_loss", nothing),
        baseline_score=baseline.get(metric),
        baseline_log_loss=baseline.get("log_loss"),
        images=images.size,
        sessions=len(set(images.groups)),
        grouped_by=images.grouped_by,
        num_classes=len(images.class_names),
        seconds=seconds,
        rejection=solved[0].rejection,
        choice=solved[0].choice,
    )
