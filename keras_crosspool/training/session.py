"""One training run, from labelled pictures to a model directory."""

import contextlib
import dataclasses
import tempfile
import time
import types

import keras
from absl import logging

from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import open_split
from keras_crosspool.evaluation import predict_logits, score
from keras_crosspool.models import ModelMetadata, build_model, save_model
from keras_crosspool.models.directory import check_replaceable
from keras_crosspool.models.options import SchemeOptions
from keras_crosspool.models.zoo import baseline_of, parts_of_both
from keras_crosspool.training.closed_form import adapt_head, describe, solve_models
from keras_crosspool.training.fine_tune import FineTuning, fine_tune
from keras_crosspool.training.guidance import GuidanceTraining
from keras_crosspool.training.region_branch import describe_regions, fit_regions, has_region_grid
from keras_crosspool.training.region_grids import load_region_grids
from keras_crosspool.training.report import library_versions, write_report
from keras_crosspool.training.views import Views


def train(output, tensorboard=None, **arguments):
    """Trains a model and writes its directory.

    Args:
        output: path of the model directory; an older model directory there is replaced.
        tensorboard: str, folder for TensorBoard logs of fine-tuning. Defaults to none.
        **arguments: the training flags by name; see `keras_crosspool.training.flags`.

    Returns:
        The `ModelMetadata` that was written.

    Raises:
        ValueError: if the data, the backbone or the output are not as expected.
        FloatingPointError: if fine-tuning diverged.
    """
    check_replaceable(output)
    args = types.SimpleNamespace(**arguments)
    _check(args)
    keras.utils.set_random_seed(args.seed)
    training, validation = _open_data(args)
    backbone = create_backbone(args.backbone, args.image_size, args.weights)
    model = _build(backbone, training, args)
    metrics, seconds = {}, _Stopwatch()

    with seconds.stage("closed_form"):
        model, solved, thresholds = _solve(model, backbone, training, validation, args)
        metrics |= solved
    history = {}
    if args.epochs or args.frozen_epochs:
        with seconds.stage("fine_tuning"):
            history, tuned, thresholds = _fine_tune(model, training, validation, args, tensorboard)
            metrics |= tuned
    with seconds.stage("validation"):
        predictions = _predict(model, validation, args)
        if predictions:
            thresholds = training.task.thresholds(*predictions[1:])
        metrics |= _scores(predictions, training, thresholds)
    metadata = ModelMetadata(
        name=model.name,
        class_names=training.class_names,
        image_size=backbone.image_size,
        arguments={
            **arguments,
            "image_size": backbone.image_size,
            "scheme": metrics.get("chosen_scheme", args.scheme),
        },
        data={
            "path": args.data,
            "train_split": args.train_split,
            "val_split": args.val_split,
            "fingerprint": training.fingerprint,
        },
        versions=library_versions(),
        metrics={**metrics, "seconds": seconds.stages},
        task=training.task.name,
        thresholds=None if thresholds is None else tuple(map(float, thresholds)),
    )
    for layer in model.layers:  # `model.trainable` does not reach them
        layer.trainable = True  # what was frozen while tuning is nobody else's business
    save_model(
        output, model, metadata, lambda path: write_report(path, metadata, history, predictions)
    )
    return metadata


def _check(args):
    if args.solver == "none" and not args.epochs + args.frozen_epochs:
        raise ValueError(
            "Nothing would train the classifier: take a solver, or epochs of fine-tuning. "
            "Received: --solver=none --epochs=0"
        )
    if args.solver == "none" and args.scheme == "auto":
        raise ValueError(
            "The scheme is chosen by cross-validation of solved classifiers: take a solver, or "
            "name a scheme. Received: --solver=none --scheme=auto"
        )


def _open_data(args):
    training = open_split(args.data, args.train_split, skip_broken=args.skip_broken)
    if len(training.class_names) < 2:
        raise ValueError(
            "Training needs two classes or more. "
            f"Received: {args.data}/{args.train_split} with {', '.join(training.class_names)}"
        )
    if not args.val_split:
        return training, None
    validation = open_split(
        args.data, args.val_split, training.class_names, args.skip_broken, training.task.name
    )
    return training, validation


def _build(backbone, training, args):
    names = [field.name for field in dataclasses.fields(SchemeOptions) if field.name in vars(args)]
    options = {name: getattr(args, name) for name in names}
    if args.region_size:
        options["region_size"] = _numbers("region_size", args.region_size, int)
    scheme = "both" if args.scheme == "auto" else args.scheme
    return build_model(backbone, len(training.class_names), scheme, **options)


def _numbers(name, words, kind):
    try:
        return tuple(kind(word) for word in words)
    except ValueError as error:
        raise ValueError(
            f"--{name} takes numbers, separated by commas. Received: --{name}={','.join(words)}"
        ) from error


def _solve(model, backbone, training, validation, args):
    """Fits a model, and the baseline beside it, from one pass over the pictures.

    Gives the model, the part of it that cross-validation chose if that was asked for, the metrics,
    and the thresholds that cross-validation chose.
    """
    adapt_head(model, training, backbone.image_size, args.batch_size)
    regions = _fit_regions(model, training, args)
    if args.solver == "none":
        return model, {}, None
    candidates = parts_of_both(model) if args.scheme == "auto" else {args.scheme: model}
    compared = {}
    if args.baseline and not args.scheme.endswith("_average"):
        compared["baseline"] = baseline_of(model, backbone)
    models = candidates | compared
    described = _describe(list(models.values()), training, args, regions)
    solved = solve_models(models.values(), described, args.solver)
    solved = dict(zip(models, solved, strict=True))
    scheme = min(candidates, key=lambda name: solved[name].cross_validated.get("log_loss", 0.0))
    metrics = _solved_metrics("", solved[scheme])
    if args.scheme == "auto":
        metrics["chosen_scheme"] = scheme
        compared = models
    for name, other in compared.items():
        metrics |= _solved_metrics(f"{name}_", solved[name])
        if validation:
            scores = _scores(_predict(other, validation, args), training)
            metrics[f"{name}_{training.task.metric}"] = scores[training.task.metric]
    return candidates[scheme], metrics, solved[scheme].thresholds


def _fit_regions(model, training, args):
    if not has_region_grid(model):
        return {}
    grids = load_region_grids(
        model, training, model.input_shape[1], args.batch_size, args.cache_dir
    )
    names = [field.name for field in dataclasses.fields(GuidanceTraining)]
    options = GuidanceTraining(**{name: getattr(args, name) for name in names})
    return fit_regions(model, grids, training, options, cross_fit=args.solver != "none")


def _describe(models, training, args, regions):
    views = Views(_numbers("crop_scales", args.crop_scales, float), args.mirror)
    image_size = models[0].input_shape[1]
    return describe(models, training, image_size, args.batch_size, views, regions)


def _solved_metrics(prefix, classifier):
    scores = {f"cross_validated_{name}": x for name, x in classifier.cross_validated.items()}
    chosen = {"strength": classifier.strength, **scores}
    if len(classifier.weights) > 1:
        chosen["branch_weights"] = list(classifier.weights)
    return {f"{prefix}{name}": value for name, value in chosen.items()}


def _solve_again(model, training, args):
    """Solves a fine-tuned model's classifier anew; its thresholds."""
    regions = {}
    if has_region_grid(model):
        with tempfile.TemporaryDirectory() as folder:  # the tuned network's grids serve but once
            size = model.input_shape[1]
            grids = load_region_grids(model, training, size, args.batch_size, folder)
            regions = describe_regions(model, grids)
    described = _describe([model], training, args, regions)
    return solve_models([model], described, args.solver)[0].thresholds


def _fine_tune(model, training, validation, args, tensorboard):
    """Fine-tunes, solves the classifier again, and keeps the stage that validates best."""
    names = {field.name for field in dataclasses.fields(FineTuning)} & vars(args).keys()
    options = FineTuning(**{n: getattr(args, n) for n in names}, tensorboard=tensorboard)
    stages = _Stages(
        model,
        training.task.metric,
        lambda: _scores(_predict(model, validation, args), training),
    )
    thresholds = None
    if args.solver == "none":
        options = dataclasses.replace(options, classifier_rate=1.0)
    else:
        stages.reached("solved")
    history = fine_tune(model, training, validation, model.input_shape[1], options)
    stages.reached("fine_tuned")
    if args.solver != "none":
        thresholds = _solve_again(model, training, args)
        stages.reached("solved_again")
    return history, stages.keep_best() if validation else {}, thresholds


class _Stages:
    """The weights at each stage of a run and how well they validate."""

    def __init__(self, model, metric, scores):
        self._model, self._metric, self._scores = model, metric, scores
        self._reached = {}

    def reached(self, name):
        self._reached[name] = (self._scores().get(self._metric), self._model.get_weights())

    def keep_best(self):
        """Gives the model its best weights, the latest of equals; what each stage reached."""
        best = max(reversed(self._reached), key=lambda name: self._reached[name][0])
        self._model.set_weights(self._reached[best][1])
        metrics = {f"{name}_{self._metric}": x for name, (x, _) in self._reached.items()}
        return {**metrics, "kept_stage": best}


def _predict(model, split, args):
    """`(split, logits, labels)`, or `None` without a split."""
    if split is None:
        return None
    return split, *predict_logits(model, split, model.input_shape[1], args.batch_size)


def _scores(predictions, training, thresholds=None):
    if predictions is None:
        return {}
    _, logits, labels = predictions
    names, coarse_names = training.class_names, training.coarse_names
    return score(logits, labels, names, coarse_names, thresholds).metrics()


class _Stopwatch:
    """Seconds spent in named stages, logged as they end."""

    def __init__(self):
        self.stages = {}

    @contextlib.contextmanager
    def stage(self, name):
        start = time.perf_counter()
        yield
        self.stages[name] = round(time.perf_counter() - start, 2)
        logging.info("%s: %.1f s", name, self.stages[name])
