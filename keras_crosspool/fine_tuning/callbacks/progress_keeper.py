"""Keeps the progress of `model.fit`: checkpoints, signals, and going on at any step."""

import contextlib
import dataclasses
import signal

import keras
import numpy as np

from keras_crosspool.errors import InterruptedTrainingError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclasses.dataclass(frozen=True)
class Position:
    """The step that comes next.

    Attributes:
        phase: int, which `fit` of the run.
        epoch: int, of the phase.
        step: int, of the epoch.
    """

    phase: int = 0
    epoch: int = 0
    step: int = 0


class ProgressKeeper(keras.callbacks.Callback):
    """Saves all that training depends on every few steps, at each epoch and on a signal.

    Kept are the weights, the optimizer with its moments and averages, random states, the best
    epoch so far, the patience left and the history; the order of the images and their
    augmentation follow from the position alone. So a run that was stopped, at whatever step, ends
    in the weights of one that was not.

    It stands before the callbacks that read the logs of an epoch: those of an epoch that was
    taken up midway are put together here.

    Args:
        checkpoints: `Checkpoints`, or `None` to keep nothing on disk.
        distribution: `Distribution`.
        plan: `EpochPlan` of the training images.
        position: `Position` at which this `fit` begins.
        first_number: int, the number of this phase's first step among those of all phases.
        every: int, steps from checkpoint to checkpoint.
        stopper: `ResumableEarlyStopping`, or `None`.
        history: dict, metric name to its value after each epoch so far; added to.
        logs: dict, the means of the epoch's steps before `position`.
    """

    def __init__(
        self,
        checkpoints,
        distribution,
        plan,
        position,
        first_number,
        every,
        stopper=None,
        history=None,
        logs=None,
    ):
        super().__init__()
        self._checkpoints, self._distribution, self._plan = checkpoints, distribution, plan
        self._begin, self._first_number, self._every = position, first_number, every
        self._stopper, self._history, self._logs_before = stopper, history, logs
        self._epoch, self._signal = position.epoch, None

    @contextlib.contextmanager
    def listening(self):
        """Lets SIGTERM and an interrupt from the keyboard end training at the end of a step."""
        handlers = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if epoch > self._begin.epoch or self._begin == Position(self._begin.phase):
            self._save(epoch, 0, {})
        self.check_signal()  # one that came at the last step of the epoch before

    def on_train_batch_end(self, batch, logs=None):
        step = batch + 1 + (self._begin.step if self._is_taken_up(self._epoch) else 0)
        last = step == self._plan.steps
        # Keras counts whole epochs: one that was taken up midway is cut off where it ends.
        self.model.stop_training = last and self._is_taken_up(self._epoch)
        asked = self._asked_to_stop()
        if not last and (asked or step % self._every == 0):
            self._save(self._epoch, step, self._joined(logs, step))
        if asked and not last:  # the last step's epoch is validated first
            raise self._interruption()

    def on_epoch_end(self, epoch, logs=None):
        if self._is_taken_up(epoch):
            self.model.stop_training = False
            logs.update(self._joined(logs, self._plan.steps))
        for name, value in logs.items():
            self._history.setdefault(name, []).append(float(value))

    def on_train_end(self, logs=None):
        self._save(self._epoch + 1, 0, {}, finished=True)

    def check_signal(self):
        """Ends training if a signal has come since the last step; all workers must call it."""
        if self._asked_to_stop():
            raise self._interruption()

    def _is_taken_up(self, epoch):
        return self._begin.step > 0 and epoch == self._begin.epoch

    def _joined(self, logs, steps):
        """The means over an epoch's steps so far, of which some were taken before this process."""
        if not self._is_taken_up(self._epoch):
            return logs
        weights = np.cumsum(self._plan.weights().sum(axis=1))
        # The loss is a mean over steps, the other figures over images.
        shares = dict.fromkeys(logs, weights[self._begin.step - 1] / weights[steps - 1])
        shares["loss"] = self._begin.step / steps
        return {
            name: shares[name] * before + (1 - shares[name]) * logs[name]
            for name, before in self._logs_before.items()
        }

    def _receive(self, number, frame):
        self._signal = number
        signal.signal(number, signal.SIG_DFL)  # a second one is not to wait

    def _asked_to_stop(self):
        """Whether any worker was; all are told at the same step."""
        return bool(self._distribution.all_reduce(np.float32(self._signal is not None)))

    def _interruption(self):
        kept = f"kept in {self._checkpoints.directory}" if self._checkpoints else "not kept"
        return InterruptedTrainingError(
            "Training was asked to stop and did; run the same command to go on. Received: "
            f"signal {self._signal or 'of another worker'}, progress {kept}"
        )

    def _save(self, epoch, step, logs, finished=False):
        if self._checkpoints is None or not self._checkpoints.writes:
            return
        stopping, best = self._stopper.state() if self._stopper else (None, {})
        state = {
            "position": dataclasses.asdict(
                dataclasses.replace(self._begin, epoch=epoch, step=step)
            ),
            "logs": {name: float(value) for name, value in logs.items()},
            "history": self._history,
            "stopping": stopping,
            "finished": finished,
        }
        number = self._first_number + epoch * self._plan.steps + step + finished
        self._checkpoints.save(number, variables_of(self.model) | best, state)


def variables_of(model):
    """All that a compiled model's training depends on: dict of arrays."""
    return {name: keras.ops.convert_to_numpy(x) for name, x in _named_variables(model).items()}


def restore_variables(model, arrays):
    """Gives a compiled model what `variables_of` took from one.

    Raises:
        ValueError: if the arrays are another model's.
    """
    variables = _named_variables(model)
    for name, variable in variables.items():
        if name not in arrays or arrays[name].shape != tuple(variable.shape):
            raise ValueError(
                "The checkpoint does not fit this model; it was made by another version of the "
                f"project: remove its folder to start again. Received: {name} of shape "
                f"{getattr(arrays.get(name), 'shape', None)} for {tuple(variable.shape)}"
            )
        variable.assign(arrays[name])


def _named_variables(model):
    running = {id(variable) for variable in model.metrics_variables}
    kept = [variable for variable in model.variables if id(variable) not in running]
    return {
        f"{kind}/{index:04d}": variable
        for kind, variables in (("model", kept), ("optimizer", model.optimizer.variables))
        for index, variable in enumerate(variables)
    }
