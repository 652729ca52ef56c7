"""One training run, from labelled pictures to a model directory."""

import contextlib
import dataclasses
import os
import pathlib
import time
import types

import keras
from absl import logging

from keras_crosspool.backbones import create_backbone
from keras_crosspool.closed_form.fit import adapt_head, describe, solve_models
from keras_crosspool.closed_form.guidance import GuidanceTraining
from keras_crosspool.closed_form.options import SolverOptions
from keras_crosspool.closed_form.region_branch import describe_regions, fit_regions, has_region_grid
from keras_crosspool.closed_form.region_grids import load_region_grids
from keras_crosspool.closed_form.views import Views
from keras_crosspool.data import open_split
from keras_crosspool.distribution import create_distribution
from keras_crosspool.environment import check_keras_settings, check_tensorflow_backend
from keras_crosspool.evaluation import predict_logits, score
from keras_crosspool.files import scratch_directory
from keras_crosspool.fine_tuning.checkpoints import Checkpoints
from keras_crosspool.fine_tuning.fine_tune import FineTuning, fine_tune
from keras_crosspool.fine_tuning.precision import announce, resolve_compiler
from keras_crosspool.models.classifier import CrossPoolClassifier
from keras_crosspool.models.directory import check_replaceable, load_model, save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.models.options import SchemeOptions
from keras_crosspool.models.zoo import schemes_of_both
from keras_crosspool.training.report import write_report
from keras_crosspool.versions import MODEL_PACKAGES, package_versions

# What may be different when a run is taken up: the machine, and what is said of it.
_NOT_OF_THE_RUN = (
    "strategy",
    "workers",
    "task_index",
    "devices",
    "cache",
    "cache_dir",
    "data_dir",
    "solver_memory_gb",
    "checkpoint_steps",
    "tensorboard",
    "profile_steps",
)


def train(output, **arguments):
    """Trains a model and writes its directory.

    While it trains, what it needs to go on lies in a folder beside the output, named like it with
    `.checkpoints` behind; the same call takes up a run that was stopped.

    Args:
        output: path of the model directory; an older model directory there is replaced.
        **arguments: the training flags by name; see `keras_crosspool.training.flags`.

    Returns:
        The `ModelMetadata` that was written, by the chief where there are several workers.

    Raises:
        ValueError: if the data, the backbone or the output are not as expected.
        OSError: if the output cannot be written.
        FloatingPointError: if fine-tuning diverged.
        StoppedError: if training ended before its time and can be taken up.
    """
    check_replaceable(output)
    args = types.SimpleNamespace(**arguments)
    _check(args)
    distribution = create_distribution(args.strategy, args.workers, args.task_index, args.devices)
    compiler = resolve_compiler(args.jit_compile, distribution)
    announce(distribution, args.batch_size, args.precision, compiler, args.gradient_accumulation)
    keras.utils.set_random_seed(args.seed)
    training, validation = _open_data(args)
    fingerprints = [split and split.fingerprint for split in (training, validation)]
    run = _of_the_run(arguments) | {"pictures": fingerprints}
    writes = distribution.is_chief and _tunes(args)
    checkpoints = Checkpoints(checkpoints_directory(output), run, writes)
    with checkpoints, distribution.reporting_lost_workers():
        session = _Session(args, arguments, training, validation, distribution, checkpoints)
        metadata = session.run(output)
        checkpoints.remove()
    return metadata


def _of_the_run(arguments):
    return {name: value for name, value in arguments.items() if name not in _NOT_OF_THE_RUN}


def checkpoints_directory(output):
    """The folder in which a run into `output` keeps its checkpoints."""
    output = pathlib.Path(os.path.abspath(output))
    return output.with_name(f"{output.name}.checkpoints")


def _tunes(args):
    return args.epochs + args.frozen_epochs > 0


class _Session:
    """One run: solve, fine-tune, validate, write."""

    def __init__(self, args, arguments, training, validation, distribution, checkpoints):
        self._args, self._arguments = args, arguments
        self._training, self._validation = training, validation
        self._distribution, self._checkpoints = distribution, checkpoints
        self._seconds = _Stopwatch()

    def run(self, output):
        model, solved = self._solved()
        metrics, thresholds, history = solved.metrics, solved.thresholds, {}
        if _tunes(self._args):
            with self._seconds.stage("fine_tuning"):
                history, tuned, again = self._fine_tune(model)
            metrics = metrics | tuned
            thresholds = thresholds if again is None else again
        with self._seconds.stage("validation"):
            predictions = _predict(model, self._validation, self._args)
            if predictions:
                thresholds = self._training.task.thresholds(*predictions[1:])
            metrics |= _scores(predictions, self._training, thresholds)
        metrics["seconds"] = self._seconds.stages
        metadata = self._metadata(model, metrics, thresholds)
        if self._distribution.is_chief:
            save_model(output, model, metadata)
            write_report(output, metadata, history, predictions)
        return metadata

    def _solved(self):
        """The solved model and its metadata; those of the checkpoints if a run is taken up."""
        args, directory = self._args, self._checkpoints.solved
        if _tunes(args):
            what = f"whether there is {directory}: all of them must share its file system"
            if self._distribution.check_same(int(directory.is_dir()), what):
                logging.info("taking up the run in %s", self._checkpoints.directory)
                return load_model(directory)
        backbone = create_backbone(args.backbone, args.image_size, args.weights)
        model = _build(backbone, self._training, args)
        with self._seconds.stage("closed_form"):
            model, metrics, thresholds = _solve(
                model, backbone, self._training, self._validation, args, self._distribution
            )
        metadata = self._metadata(model, metrics, thresholds)
        if _tunes(args) and self._distribution.is_chief:
            save_model(directory, model, metadata)
        return model, metadata

    def _metadata(self, model, metrics, thresholds):
        args, training = self._args, self._training
        return ModelMetadata(
            name=model.name,
            class_names=training.class_names,
            image_size=model.input_shape[1],
            arguments={
                **_of_the_run(self._arguments),
                "image_size": model.input_shape[1],
                "scheme": metrics.get("chosen_scheme", args.scheme),
            },
            data={
                "path": args.data,
                "train_split": args.train_split,
                "val_split": args.val_split,
                "fingerprint": training.fingerprint,
                "used": self._described(lambda split: split.size),
                "left_out": self._described(lambda split: split.left_out),
            },
            versions=package_versions(*MODEL_PACKAGES),
            metrics=metrics,
            task=training.task.name,
            thresholds=None if thresholds is None else tuple(map(float, thresholds)),
        )

    def _described(self, what):
        """Something of each split by its name."""
        splits = (self._training, self._validation)
        return {split.name: what(split) for split in splits if split}

    def _fine_tune(self, model):
        """Fine-tunes, solves the classifier again, and keeps the stage that validates best."""
        args = self._args
        options = _options(FineTuning, args)
        if args.profile_steps:
            steps = _numbers("profile_steps", args.profile_steps, int)
            options = dataclasses.replace(options, profile_steps=steps)
        stages = _Stages(
            model,
            self._training.task.metric,
            lambda: _scores(_predict(model, self._validation, args), self._training),
        )
        thresholds = None
        if args.solver == "none":
            options = dataclasses.replace(options, classifier_rate=1.0)
        else:
            stages.reached("solved")
        history, speed = fine_tune(
            model,
            self._training,
            self._validation,
            model.input_shape[1],
            options,
            self._distribution,
            self._checkpoints,
        )
        stages.reached("fine_tuned")
        if args.solver != "none":
            thresholds = _solve_again(model, self._training, args, self._distribution)
            stages.reached("solved_again")
        return history, speed | (stages.keep_best() if self._validation else {}), thresholds


def _check(args):
    check_keras_settings()
    if _tunes(args):
        check_tensorflow_backend("Fine-tuning (--epochs, --frozen_epochs)")
    if args.strategy in ("mirrored", "multi_worker") or args.workers:
        check_tensorflow_backend("Training on several devices (--strategy, --workers)")
    if args.solver == "none" and not _tunes(args):
        raise ValueError(
            "Nothing would train the classifier: take a solver, or epochs of fine-tuning. "
            "Received: --solver=none --epochs=0"
        )
    _check_solver(args)
    if args.profile_steps and not (args.tensorboard and len(args.profile_steps) == 2):
        raise ValueError(
            "--profile_steps names the first and the last step, for the folder of --tensorboard. "
            f"Received: profile_steps={','.join(args.profile_steps)}, "
            f"tensorboard={args.tensorboard}"
        )
    if args.solver == "none" and args.scheme == "auto":
        raise ValueError(
            "The scheme is chosen by cross-validation of solved classifiers: take a solver, or "
            "name a scheme. Received: --solver=none --scheme=auto"
        )


def _check_solver(args):
    if args.solver == "none":
        return
    SolverOptions(args.solver, args.solver_form, args.solver_memory_gb)
    trains_guidance = args.scheme in ("scheme2", "both", "auto") and args.grid_guidance == "trained"
    if trains_guidance and args.solver_form not in ("auto", "gram"):
        raise ValueError(
            "A trained guidance is judged by Gram matrices alone: take --solver_form=gram, or "
            f"--grid_guidance=selected. Received: --solver_form={args.solver_form} with "
            f"--scheme={args.scheme}"
        )


def _open_data(args):
    training = open_split(
        args.data,
        args.train_split,
        skip_broken=args.skip_broken,
        data_dir=args.data_dir,
        max_megapixels=args.max_megapixels,
    )
    if len(training.class_names) < 2:
        raise ValueError(
            "Training needs two classes or more. "
            f"Received: {args.data}/{args.train_split} with {', '.join(training.class_names)}"
        )
    if not args.val_split:
        return training, None
    validation = open_split(
        args.data,
        args.val_split,
        training.class_names,
        args.skip_broken,
        training.task.name,
        args.data_dir,
        args.max_megapixels,
    )
    return training, validation


def _build(backbone, training, args):
    options = dataclasses.asdict(_options(SchemeOptions, args))
    if args.region_size:
        options["region_size"] = _numbers("region_size", args.region_size, int)
    scheme = "both" if args.scheme == "auto" else args.scheme
    return CrossPoolClassifier.from_backbone(
        backbone, training.class_names, scheme=scheme, task=training.task.name, **options
    )


def _numbers(name, words, kind):
    try:
        return tuple(kind(word) for word in words)
    except ValueError as error:
        raise ValueError(
            f"--{name} takes numbers, separated by commas. Received: --{name}={','.join(words)}"
        ) from error


def _solve(model, backbone, training, validation, args, distribution):
    """Fits a model, and the baseline beside it, from one pass over the pictures.

    Gives the model, the part of it that cross-validation chose if that was asked for, the metrics,
    and the thresholds that cross-validation chose.
    """
    adapt_head(model, training, backbone.image_size, args.batch_size, distribution)
    regions = _fit_regions(model, training, args)
    if args.solver == "none":
        return model, {}, None
    candidates = schemes_of_both(model) if args.scheme == "auto" else {args.scheme: model}
    compared = {}
    if args.baseline and not args.scheme.endswith("_average"):
        compared["baseline"] = model.baseline()
    models = candidates | compared
    described = _describe(list(models.values()), training, args, regions, distribution)
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
    options = _options(GuidanceTraining, args)
    return fit_regions(model, grids, training, options, cross_fit=args.solver != "none")


def _options(kind, args):
    """A dataclass of options, filled from the arguments of the same names."""
    names = {field.name for field in dataclasses.fields(kind)} & vars(args).keys()
    return kind(**{name: getattr(args, name) for name in names})


def _describe(models, training, args, regions, distribution):
    views = Views(_numbers("crop_scales", args.crop_scales, float), args.mirror)
    image_size = models[0].input_shape[1]
    solver = SolverOptions(args.solver, args.solver_form, args.solver_memory_gb)
    return describe(
        models, training, image_size, args.batch_size, views, regions, solver, distribution
    )


def _solved_metrics(prefix, classifier):
    scores = {f"cross_validated_{name}": x for name, x in classifier.cross_validated.items()}
    chosen = {"strength": classifier.strength, **scores}
    if len(classifier.weights) > 1:
        chosen["branch_weights"] = list(classifier.weights)
    return {f"{prefix}{name}": value for name, value in chosen.items()}


def _solve_again(model, training, args, distribution):
    """Solves a fine-tuned model's classifier anew; its thresholds."""
    regions = {}
    if has_region_grid(model):
        with scratch_directory() as folder:  # the tuned network's grids serve but once
            size = model.input_shape[1]
            grids = load_region_grids(model, training, size, args.batch_size, folder)
            regions = describe_regions(model, grids)
    described = _describe([model], training, args, regions, distribution)
    return solve_models([model], described, args.solver)[0].thresholds


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
