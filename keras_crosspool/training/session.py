"""One training run, from labelled pictures to a model directory."""

import contextlib
import dataclasses
import time
import types

import keras
from absl import logging

from keras_crosspool.backbones import create_backbone
from keras_crosspool.data import open_split
from keras_crosspool.evaluation import predict_logits, score
from keras_crosspool.models import ModelMetadata, build_model, save_model
from keras_crosspool.models.directory import check_replaceable
from keras_crosspool.training.closed_form import adapt_head, solve_models
from keras_crosspool.training.fine_tune import FineTuning, fine_tune
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
    model = _build(backbone, args.head, training, args)
    metrics, seconds = {}, _Stopwatch()

    with seconds.stage("closed_form"):
        solved, thresholds = _solve(model, backbone, training, validation, args)
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
        arguments={**arguments, "image_size": backbone.image_size},
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


def _build(backbone, head, training, args):
    arguments = {}
    if head == "cross_layer":
        names = ("window_size", "feature_channels", "guidance_channels")
        arguments = {name: getattr(args, name) for name in names}
    return build_model(backbone, len(training.class_names), head, **arguments)


def _solve(model, backbone, training, validation, args):
    """Solves the model, and the baseline beside it, from one pass over the pictures.

    Gives the metrics, and the thresholds that cross-validation chose.
    """
    adapt_head(model, training, backbone.image_size, args.batch_size)
    models = {"": model}
    if args.baseline and args.head != "global_average":
        models["baseline_"] = _build(backbone, "global_average", training, args)
    metrics = {}
    if args.solver == "none":
        return metrics, None
    classifiers = _solve_classifiers(list(models.values()), training, args)
    for prefix, classifier in zip(models, classifiers, strict=True):
        chosen = classifier.validation.get(classifier.strength, {})
        metrics[f"{prefix}strength"] = classifier.strength
        metrics |= {f"{prefix}cross_validated_{name}": v for name, v in chosen.items()}
    if "baseline_" in models and validation:
        predictions = _predict(models["baseline_"], validation, args)
        metric = training.task.metric
        metrics[f"baseline_{metric}"] = _scores(predictions, training)[metric]
    return metrics, classifiers[0].thresholds


def _solve_classifiers(models, training, args):
    views = Views(tuple(float(scale) for scale in args.crop_scales), args.mirror)
    image_size = models[0].input_shape[1]
    return solve_models(models, training, image_size, args.solver, args.batch_size, views)


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
        thresholds = _solve_classifiers([model], training, args)[0].thresholds
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
