"""The devices of a run: one, several of one machine, or those of several workers."""

import contextlib
import dataclasses

from keras_crosspool.distribution.process_group import ProcessGroup
from keras_crosspool.errors import LostWorkerError
from keras_crosspool.keras_backend import compute_device


@dataclasses.dataclass(frozen=True)
class Distribution(ProcessGroup):
    """The process group of a run and the devices that share a batch, as fine-tuning needs them.

    Attributes:
        name: str, `"one"`, `"mirrored"` or `"multi_worker"`.

    Example:

    >>> from keras_crosspool.distribution import create_distribution
    >>> one = create_distribution("one")
    >>> one.name, one.replicas
    ('one', 1)
    """

    name: str = "one"

    @property
    def replicas(self):
        """The number of devices, of all workers, that share a batch."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def local_replicas(self):
        """The number of them in this process."""
        return self.replicas // self.size

    @property
    def devices(self):
        """The names of this process's devices, such as `"GPU:0"`."""
        if self.strategy is None:
            return [compute_device()]
        return [name.partition("device:")[2] for name in self.strategy.extended.worker_devices]

    def scope(self):
        """The context in which a model that is to be trained is made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    @contextlib.contextmanager
    def reporting_lost_workers(self):
        """Turns a failure between workers into an error that says that one is gone.

        Raises:
            LostWorkerError: if so.
        """
        if self.size == 1:
            yield
            return
        import tensorflow as tf

        try:
            yield
        except (
            tf.errors.UnavailableError,
            tf.errors.AbortedError,
            tf.errors.CancelledError,
            tf.errors.DeadlineExceededError,
            tf.errors.InternalError,
        ) as error:
            raise LostWorkerError(
                "Another worker is gone or cannot be reached, so training cannot go on: start all "
                "workers again with the same flags, and they go on at the last checkpoint "
                f"({_reason(error)}). Received: worker {self.rank} of {self.size}"
            ) from error


ONE_DEVICE = Distribution()


def visible_devices():
    """The names of this process's devices: its GPUs, or its logical CPUs where there is none."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.partition("device:")[2] for device in devices]


def _reason(error):
    """The line of a TensorFlow error that says what happened, among those that say where."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    return next((line for line in lines if "aborted" in line or "unhealthy" in line), lines[0])
