"""Fine-tuning of a model by `model.fit`, on any number of devices, from any step on."""

import contextlib
import dataclasses
import functools
import zlib

import keras
import numpy as np

from keras_crosspool.data.cache import open_images
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.fine_tuning.batches import Batches
from keras_crosspool.fine_tuning.callbacks.early_stopping import ResumableEarlyStopping
from keras_crosspool.fine_tuning.callbacks.finite_loss import FiniteLoss
from keras_crosspool.fine_tuning.callbacks.progress_keeper import (
    Position,
    ProgressKeeper,
    restore_variables,
)
from keras_crosspool.fine_tuning.callbacks.throughput import Throughput, input_rate, report
from keras_crosspool.fine_tuning.class_balance import class_weights
from keras_crosspool.fine_tuning.epoch_plan import EpochPlan
from keras_crosspool.fine_tuning.tuned_copy import compile_phase, copy_to_train
from keras_crosspool.keras_backend import keep_tensorflow_off_gpus
from keras_crosspool.progress import verbosity

_ROOM = 9 / 7  # by which training images are larger than what is cropped from them


def fine_tune(
    model, train, validation, image_size, options, distribution=ONE_DEVICE, checkpoints=None
):
    """Fine-tunes a model in place.

    What is trained is a copy of it, made for the strategy and the precision; the model itself
    stays on one device and in float32. With a validation split and a patience, training stops early
    and the weights of the best epoch are kept. Training that was stopped is taken up at the step
    after the newest checkpoint.

    Args:
        model: `CrossPoolClassifier`.
        train: `Split`.
        validation: `Split`, or `None`.
        image_size: int, side in pixels.
        options: `FineTuningConfig`.
        distribution: `Distribution`. Defaults to one device.
        checkpoints: `Checkpoints`, opened; `None`, the default, keeps nothing on disk.

    Returns:
        dict, metric name to its value after each epoch; and a dict with the speed, empty where
        there were too few steps to tell.

    Raises:
        FloatingPointError: if the loss is no longer finite.
        InterruptedTrainingError: if a signal asked for the end.
        ValueError: if options do not go together, or workers do not agree.
    """
    keep_tensorflow_off_gpus()
    keras.utils.set_random_seed(options.seed)
    batches = _training_batches(train, image_size, options, distribution)
    held_out = validation and _validation_batches(validation, image_size, options, distribution)
    tuner = _Tuner(model, batches, held_out, options, distribution, checkpoints)
    for phase in _phases(options, batches.plan.steps):
        tuner.fit(phase)
    weights = tuner.weights()
    distribution.check_same(
        functools.reduce(lambda sum_, weight: zlib.crc32(weight, sum_), weights, 0),
        "the weights that they trained (their checksum): compare their machines and versions",
    )
    model.set_weights(weights)
    return tuner.history, tuner.speed()


def _training_batches(split, image_size, options, distribution):
    side = round(_ROOM * image_size)
    images = open_images(split, side, options.cache, options.cache_dir)
    weights = class_weights(split, options.class_balance)
    plan = EpochPlan(split.size, options.batch_size, options.seed)
    return Batches(split, images, plan, distribution, weights, augmented_size=image_size)


def _validation_batches(split, image_size, options, distribution):
    images = open_images(split, image_size, options.cache, options.cache_dir)
    return Batches(split, images, EpochPlan(split.size, options.batch_size), distribution)


@dataclasses.dataclass(frozen=True)
class _Phase:
    """One call of `fit`: its place among them, its epochs, and whether the backbone is frozen."""

    index: int
    epochs: int
    frozen: bool
    first_number: int  # of its checkpoints among those of all phases


def _phases(options, steps):
    head = _Phase(0, options.frozen_epochs, frozen=True, first_number=0)
    # The start and the end of a phase are checkpoints too.
    whole = _Phase(1, options.epochs, frozen=False, first_number=head.epochs * steps + 2)
    return [phase for phase in (head, whole) if phase.epochs]


class _Tuner:
    """The copy of a model that is trained, phase after phase, from the newest checkpoint on."""

    def __init__(self, model, batches, held_out, options, distribution, checkpoints):
        self._batches, self._held_out = batches, held_out
        self._options, self._distribution = options, distribution
        self._checkpoints = checkpoints
        with distribution.scope():
            self._copy = copy_to_train(model, options, distribution)
        self._model = self._copy.model
        self._restored = checkpoints and checkpoints.newest()
        number = self._restored.number if self._restored else -1
        distribution.check_same(
            number,
            "the newest checkpoint, -1 for none: the output must lie on a file system that all of "
            "them share",
        )
        self._throughput = Throughput(options.batch_size)
        self.history = dict(self._restored.state["history"]) if self._restored else {}

    def fit(self, phase):
        """Trains a phase, or what is left of it."""
        position, restored = Position(phase.index), None
        if self._restored:
            reached = Position(**self._restored.state["position"])
            if reached.phase > phase.index:
                return
            if reached.phase == phase.index:
                position, restored = reached, self._restored
        self._prepare(phase, restored)
        if restored and restored.state["finished"]:
            self._take_best(restored)
            return
        stopper = self._stopper(restored)
        keeper = self._keeper(phase, position, stopper, restored)
        with keeper.listening():
            with contextlib.ExitStack() as stack:
                for batches in filter(None, (self._batches, self._held_out)):
                    stack.enter_context(batches.naming_failures())
                self._model.fit(
                    self._batches.dataset(position.epoch, position.step),
                    validation_data=self._held_out and self._held_out.dataset(),
                    validation_steps=self._held_out and self._held_out.plan.steps,
                    steps_per_epoch=self._batches.plan.steps,
                    initial_epoch=position.epoch,
                    epochs=phase.epochs,
                    callbacks=self._callbacks(keeper, stopper, position),
                    shuffle=False,  # the plan does
                    verbose=verbosity() if self._distribution.is_chief else 0,
                )
            keeper.check_signal()

    def weights(self):
        """The weights reached, a list of contiguous arrays."""
        arrays = map(keras.ops.convert_to_numpy, self._model.weights)
        return [np.asarray(array, order="C") for array in arrays]  # a scalar stays one

    def speed(self):
        """Images a second and what bounds them; see `report`."""
        trained = self._throughput.images_per_second
        return report(trained, trained and input_rate(self._batches))

    def _prepare(self, phase, restored):
        batches, distribution = self._batches, self._distribution
        with distribution.scope():
            task, steps = batches.split.task, batches.plan.steps
            compile_phase(self._copy, task, phase, steps, self._options, distribution)
            if restored:
                restore_variables(self._model, restored.arrays)

    def _take_best(self, restored):
        """A phase that had ended: its weights, or the best ones where it could tell them."""
        best = ResumableEarlyStopping.best_of(restored.arrays)
        if best:
            with self._distribution.scope():
                self._model.set_weights(best)

    def _stopper(self, restored):
        if self._held_out is None or self._options.patience is None:
            return None
        stopper = ResumableEarlyStopping(
            monitor=f"val_{self._batches.split.task.tuning_metric}",
            mode="max",
            patience=self._options.patience,
            restore_best_weights=True,
        )
        if restored:
            stopper.restore(restored.state["stopping"], restored.arrays)
        return stopper

    def _keeper(self, phase, position, stopper, restored):
        return ProgressKeeper(
            self._checkpoints,
            self._distribution,
            self._batches.plan,
            position,
            phase.first_number,
            self._options.checkpoint_steps,
            stopper,
            self.history,
            restored.state["logs"] if restored else {},
        )

    def _callbacks(self, keeper, stopper, position):
        options = self._options
        callbacks = [
            FiniteLoss(self._batches.names, options.peak_rate, position.step),
            self._throughput,
        ]
        if options.ema_momentum:
            # The averages validate and are what is best; training goes on with the weights.
            callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
        callbacks.append(keeper)
        if stopper:
            callbacks.append(stopper)
        if options.tensorboard and self._distribution.is_chief:
            callbacks.append(
                keras.callbacks.TensorBoard(
                    options.tensorboard, profile_batch=options.profile_steps or 0
                )
            )
        return callbacks
