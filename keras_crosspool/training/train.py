"""One training run, from labelled images to a model directory."""

import dataclasses
import os
import pathlib
import zlib

import keras
from absl import logging

from keras_crosspool.config.training_config import TrainingConfig
from keras_crosspool.data.splits_file import SPLITS_FILE
from keras_crosspool.distribution import create_distribution
from keras_crosspool.fine_tuning.checkpoints import Checkpoints
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from keras_crosspool.fine_tuning.precision import announce, resolve_compiler
from keras_crosspool.fine_tuning.tuning_model import tune_network
from keras_crosspool.models.directory import check_replaceable, load_model, save_model
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.sessions import with_sessions_if_found
from keras_crosspool.training.calibrating import calibrate
from keras_crosspool.training.checking import check_config
from keras_crosspool.training.judged import Judged
from keras_crosspool.training.kept_descriptors import keep_descriptors
from keras_crosspool.training.opening import open_checked_parts
from keras_crosspool.training.report import write_report
from keras_crosspool.training.solving import Solved, Solving
from keras_crosspool.training.stages import Stages, Stopwatch
from keras_crosspool.training.validation import Validation
from keras_crosspool.versions import MODEL_PACKAGES, package_versions


def train(output, config=None):
    """Trains a model and writes its directory.

    While it trains, what it needs to go on lies in a folder beside the output, named like it with
    `.checkpoints` behind; the same call takes up a run that was stopped.

    Args:
        output: path of the model directory; an older model directory there is replaced.
        config: `TrainingConfig`. Defaults to that of every default.

    Returns:
        The `ModelMetadata` that was written, by the chief where there are several workers.

    Raises:
        ValueError: if the data, the backbone or the output are not as expected.
        OSError: if the output cannot be written.
        FloatingPointError: if fine-tuning diverged.
        StoppedError: if training ended before its time and can be taken up.

    Example:

    >>> config = TrainingConfig.of(data="photos", val_split="val")
    >>> metadata = train("model", config)  # doctest: +SKIP
    >>> metadata.scores.validation["accuracy"]  # doctest: +SKIP
    0.828125
    """
    config = config or TrainingConfig()
    check_replaceable(output)
    check_config(config)
    devices, tuning = config.devices, config.fine_tuning
    distribution = create_distribution(
        devices.strategy, list(devices.workers), devices.task_index, devices.devices
    )
    compiler = resolve_compiler(tuning.jit_compile, distribution)
    announce(
        distribution, tuning.batch_size, tuning.precision, compiler, tuning.gradient_accumulation
    )
    keras.utils.set_random_seed(tuning.seed)
    parts = open_checked_parts(config)
    sessions = zlib.crc32(repr(parts.training.groups).encode())
    distribution.check_same(sessions, "the sessions of the photographs")
    fingerprints = [split and split.fingerprint for split in (parts.training, parts.validation)]
    run = config.of_the_run() | {"images": fingerprints}
    writes = distribution.is_chief and tuning.tunes
    checkpoints = Checkpoints(checkpoints_directory(output), run, writes)
    with checkpoints, distribution.reporting_lost_workers():
        run = _Run(config, parts, distribution, checkpoints)
        metadata = run.write(output)
        checkpoints.remove()
    return metadata


def checkpoints_directory(output):
    """The folder in which a run into `output` keeps its checkpoints."""
    output = pathlib.Path(os.path.abspath(output))
    return output.with_name(f"{output.name}.checkpoints")


class _Run:
    """One run: solve, fine-tune, validate, write."""

    def __init__(self, config, parts, distribution, checkpoints):
        self._config, self._splits = config, parts.splits
        self._training = parts.training
        self._held_out = parts.validation and with_sessions_if_found(parts.validation)
        self._distribution, self._checkpoints = distribution, checkpoints
        self._solving = Solving(config, self._training, distribution)
        batch_size = config.fine_tuning.batch_size
        self._validation = Validation(self._held_out, batch_size, self._training.coarse_names)
        self._seconds = Stopwatch()

    def write(self, output):
        solved = self._solved()
        model, basis = solved.model, solved.basis
        judged = Judged(solved.predictions, solved.thresholds, solved.rejection)
        history, tuning = {}, None
        if self._config.fine_tuning.tunes:
            with self._seconds.stage("fine_tuning"):
                history, kept = self._fine_tune(solved)
            tuning, judged = kept.scores, dataclasses.replace(judged, predictions=kept.predictions)
            if tuning.kept_stage != "solved":
                judged, basis = dataclasses.replace(judged, rejection=None), None
        short = self._config.network.compress
        with self._seconds.stage("validation"):
            anew = short or (tuning is not None and tuning.kept_stage == "tuned")
            judged = self._judged(model, judged, anew)
        compression = {}
        if short:
            with self._seconds.stage("compression"):
                compressed = self._solving.compress(model, solved.scores.solved)
            model = compressed.model
            compression = {"uncompressed": judged.scores, "compressed_alpha": compressed.alpha}
            with self._seconds.stage("validation"):
                judged = self._judged(model, dataclasses.replace(judged, predictions=None), anew)
        scores = dataclasses.replace(
            solved.scores,
            validation=judged.scores,
            tuning=tuning,
            seconds=self._seconds.stages,
            **compression,
        )
        metadata = self._metadata(model, scores, judged.thresholds, judged.rejection)
        if self._distribution.is_chief:
            save_model(output, model, metadata, self._splits)
            if self._config.solver.keep_descriptors:
                keep_descriptors(output, basis)
            write_report(output, model, metadata, history, judged.predictions)
        return metadata

    def _judged(self, model, found, anew):
        """Validates a model, and fits thresholds to the validation split.

        Args:
            model: `CrossPoolClassifier`.
            found: `Judged`, what is known of it without that split.
            anew: bool, whether calibration and rejection are fitted to that split too.

        Returns:
            `Judged`; without a split what was known.
        """
        predictions = found.predictions or self._validation.predictions(model)
        if predictions is None:
            return found
        rejection = found.rejection
        if anew:
            predictions, rejection = calibrate(model, predictions, self._config.solver.reject_rate)
        thresholds = self._training.task.thresholds(predictions.logits, predictions.labels)
        scores = self._validation.scores_of(predictions, thresholds)
        return Judged(predictions, thresholds, rejection, scores)

    def _solved(self):
        """The solved model; that of the checkpoints if a run is taken up."""
        tunes, directory = self._config.fine_tuning.tunes, self._checkpoints.solved
        if tunes:
            what = f"whether there is {directory}: all of them must share its file system"
            if self._distribution.check_same(int(directory.is_dir()), what):
                logging.info("resuming the run in %s", self._checkpoints.directory)
                return self._taken_up(directory)
        with self._seconds.stage("closed_form"):
            model, pairs = self._solving.new_model()
            fitted = self._solving.fit(model, pairs)
        with self._seconds.stage("validation"):
            solved = self._solving.choose(fitted, self._validation)
        if tunes and self._distribution.is_chief:
            scores = dataclasses.replace(solved.scores, seconds=self._seconds.stages)
            metadata = self._metadata(solved.model, scores, solved.thresholds, solved.rejection)
            save_model(directory, solved.model, metadata)
        return solved

    def _taken_up(self, directory):
        """The solved model of a run that was stopped, from its checkpoints."""
        try:
            model, metadata = load_model(directory)
        except (OSError, ValueError) as error:
            raise ValueError(
                "The solved model among the checkpoints cannot be read: restore it, or remove the "
                f"folder {self._checkpoints.directory} to start again. {error}"
            ) from error
        self._seconds.stages |= metadata.scores.seconds
        return Solved(model, metadata.scores, metadata.thresholds, metadata.rejection)

    def _fine_tune(self, solved):
        """Tunes the network, solves on it, and keeps the stage that validates best."""
        model, options, validation = solved.model, self._config.fine_tuning, self._validation
        given = self._training, self._held_out
        devices = self._distribution, self._checkpoints
        stages, compared = Stages(model, self._score), {}
        if self._config.solver.method == "none":
            history, speed = fine_tune(model, *given, model.image_size, options, *devices)
            stages.reached("fine_tuned", validation.predictions(model))
        else:
            stages.reached("solved", solved.predictions or validation.predictions(model))
            history, speed = tune_network(model, *given, options, *devices)
            baseline = self._solving.solve_tuned(model, solved.scores)
            models = {"model": model} | ({"baseline": baseline} if baseline else {})
            found = validation.predictions_of_each(models)
            stages.reached("tuned", found["model"])
            compared = self._compared(found["model"], found.get("baseline"))
        kept = stages.keep_best()
        scores = dataclasses.replace(kept.scores, **compared, **speed)
        return history, dataclasses.replace(kept, scores=scores)

    def _compared(self, predictions, baseline):
        """How a baseline validates, and how much better the model does, by their predictions."""
        if baseline is None:
            return {}
        advantage = self._validation.advantage(predictions, baseline)
        return {"baseline": self._score(baseline), "advantage": advantage}

    def _score(self, predictions):
        """The score that counts of predictions on the validation split."""
        return self._validation.scores_of(predictions)[self._training.task.metric]

    def _metadata(self, model, scores, thresholds, rejection):
        training = self._training
        scheme = scores.chosen_scheme or self._config.network.scheme
        arguments = {"image_size": model.image_size, "scheme": scheme}
        return ModelMetadata(
            name=model.name,
            class_names=training.class_names,
            image_size=model.image_size,
            arguments=self._config.of_the_run() | arguments,
            data={
                "path": self._config.data.data,
                "train_split": training.name,
                "val_split": self._held_out and self._held_out.name,
                "fingerprint": training.fingerprint,
                "sessions": len(set(training.groups)),
                "grouped_by": training.grouped_by,
                "used": self._by_split(lambda split: split.size),
                "left_out": self._by_split(lambda split: split.left_out),
            }
            | ({"splits": SPLITS_FILE} if self._splits else {}),
            versions=package_versions(*MODEL_PACKAGES),
            scores=scores,
            task=training.task.name,
            thresholds=None if thresholds is None else tuple(map(float, thresholds)),
            rejection=rejection,
        )

    def _by_split(self, what):
        """Something of each split by its name."""
        splits = (self._training, self._held_out)
        return {split.name: what(split) for split in splits if split}
