"""What trains: one device, several of one machine, or several machines, by `tf.distribute`."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import time

import numpy as np

from keras_crosspool.errors import LostWorkerError

STRATEGIES = ("auto", "one", "mirrored", "multi_worker")
_CLUSTER_VARIABLE = "TF_CONFIG"
_TIMEOUT_SECONDS = 120  # of a collective operation, after which a worker counts as lost
_MEETING_SECONDS = 300  # for all workers to be started


@dataclasses.dataclass(frozen=True)
class Distribution:
    """The devices of a run and what its processes say to each other.

    Attributes:
        name: str, `"one"`, `"mirrored"` or `"multi_worker"`.
        strategy: `tf.distribute.Strategy`, or `None` for one device.
        workers: int, processes.
        worker: int, which of them this one is; number 0 is the chief, which alone writes.

    Example:

    >>> one = create_distribution("one")
    >>> one.replicas, one.is_chief, one.sum(np.ones(2)).tolist()
    (1, True, [1.0, 1.0])
    """

    name: str
    strategy: object = None
    workers: int = 1
    worker: int = 0

    @property
    def replicas(self):
        """The number of devices, of all workers, that share a batch."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def local_replicas(self):
        """The number of them in this process."""
        return self.replicas // self.workers

    @property
    def is_chief(self):
        """Whether this process writes: one among all does."""
        return self.worker == 0

    @property
    def devices(self):
        """The names of this process's devices, such as `"GPU:0"`."""
        if self.strategy is None:
            return _visible_devices()[:1]
        return [name.partition("device:")[2] for name in self.strategy.extended.worker_devices]

    def scope(self):
        """The context in which a model that is to be trained is made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    @contextlib.contextmanager
    def watching(self):
        """Says in words that another worker is gone, where something between them fails.

        Raises:
            LostWorkerError: if so.
        """
        if self.workers == 1:
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
                f"({_reason(error)}). Received: worker {self.worker} of {self.workers}"
            ) from error

    def sum(self, array):
        """Sums an array over the workers; all of them must call it.

        Args:
            array: number array, of the same shape and type in each.

        Returns:
            The sum, `np.ndarray`.
        """
        array = np.asarray(array)
        if self.workers == 1:
            return array
        import tensorflow as tf

        def once(context):  # each process gives its array by its first replica
            first = context.replica_id_in_sync_group % self.local_replicas == 0
            return tf.constant(array) if first else tf.zeros_like(array)

        values = self.strategy.experimental_distribute_values_from_function(once)
        return self.strategy.reduce("SUM", values, axis=None).numpy()

    def gather(self, rows):
        """Joins the rows of all workers, in the order of the workers; all of them must call it.

        Args:
            rows: number array `(n, ...)`, alike but for `n`.

        Returns:
            `np.ndarray` `(sum of n, ...)`.
        """
        rows = np.asarray(rows)
        if self.workers == 1:
            return rows
        counts = self.sum(np.eye(self.workers, dtype="int64")[self.worker] * len(rows))
        start = counts[: self.worker].sum()
        # Collectives know no booleans and no short or unsigned numbers.
        dtype = rows.dtype if rows.dtype.kind == "f" else "int64"
        joined = np.zeros((counts.sum(), *rows.shape[1:]), dtype)
        joined[start : start + len(rows)] = rows
        return self.sum(joined).astype(rows.dtype)

    def agreed(self, number, what):
        """A number on which all workers must agree, lest they part ways; all of them must call it.

        Args:
            number: int.
            what: str, what it is, and what to do where they do not agree.

        Returns:
            `number`.

        Raises:
            ValueError: if they do not.
        """
        numbers = self.gather(np.array([number])).tolist()
        if len(set(numbers)) > 1:
            raise ValueError(f"The workers do not agree on {what}. Received: {numbers}, by worker")
        return number


ONE_DEVICE = Distribution("one")


def create_distribution(name="auto", workers=(), task_index=None, devices=None):
    """Sets up the devices of a run.

    Args:
        name: str, one of

            - `"auto"`, the default: `multi_worker` where a cluster is named, else `mirrored` where
              there are several GPUs, else `one`;
            - `"one"`: a single device, without `tf.distribute`;
            - `"mirrored"`: all GPUs of this machine, or the logical CPUs;
            - `"multi_worker"`: several processes, each with all devices of its machine.
        workers: sequence of str, `"host:port"` of every process, the same in each. Defaults to
            those of the environment variable TF_CONFIG.
        task_index: int, which of them this process is. Defaults to TF_CONFIG's.
        devices: int, devices of this process: GPUs to be used, or logical CPUs to be made where
            there is no GPU. Defaults to all there are.

    Returns:
        A `Distribution`. For `"multi_worker"` the call returns when every worker is there.

    Raises:
        ValueError: if the strategy is unknown, or does not go with the other arguments.
        OSError: if the port of this process is taken.
        LostWorkerError: if another worker is not there within five minutes.
    """
    if name not in STRATEGIES:
        raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}. Received: {name!r}")
    workers, task_index = _cluster(tuple(workers or ()), task_index)
    if name == "auto":
        name = "multi_worker" if len(workers) > 1 else _local_strategy(devices)
    _check(name, workers, devices)
    if devices:
        _use_devices(devices)
    if name == "one":
        return ONE_DEVICE
    import tensorflow as tf

    if name == "mirrored":
        return Distribution(name, tf.distribute.MirroredStrategy(_visible_devices()))
    return Distribution(name, _multi_worker(workers, task_index), len(workers), task_index)


def _reason(error):
    """The line of a TensorFlow error that says what happened, among those that say where."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    return next((line for line in lines if "aborted" in line or "unhealthy" in line), lines[0])


def _cluster(workers, task_index):
    """The addresses of the workers and this one's place, from the arguments or TF_CONFIG."""
    if not workers:
        workers, task_index = _cluster_of_environment(task_index)
    if workers and (task_index is None or not 0 <= task_index < len(workers)):
        raise ValueError(
            f"task_index says which of the {len(workers)} workers this process is, counted from 0. "
            f"Received: task_index={task_index}"
        )
    for address in workers:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"Workers are named as host:port. Received: {address!r}")
    if len(set(workers)) < len(workers):
        raise ValueError(
            f"Every worker needs an address of its own. Received: workers={','.join(workers)}"
        )
    return workers, task_index


def _cluster_of_environment(task_index):
    text = os.environ.get(_CLUSTER_VARIABLE)
    if not text:
        if task_index is not None:
            raise ValueError(
                "task_index needs the workers it counts: name them as host:port,host:port or set "
                f"TF_CONFIG. Received: task_index={task_index} and no workers"
            )
        return (), None
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        workers = (*cluster.get("chief", ()), *cluster.get("worker", ()))
        kind, index = task["type"], int(task["index"])
        unknown = set(cluster) - {"chief", "worker"} or {kind} - {"chief", "worker"}
        if unknown:
            raise ValueError(f"tasks of the kind {', '.join(unknown)} have no part in training")
        if not 0 <= index < len(cluster.get(kind, ())):
            raise ValueError(f"the cluster has no {kind} number {index}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            "TF_CONFIG must be JSON with the workers of the cluster and the task of this process, "
            f"as TensorFlow describes it ({error}). Received: {text}"
        ) from error
    if kind == "worker":
        index += len(cluster.get("chief", ()))
    return workers, index if task_index is None else task_index


def _local_strategy(devices):
    import tensorflow as tf

    gpus = len(tf.config.list_physical_devices("GPU"))
    return "mirrored" if (devices or gpus) > 1 else "one"


def _check(name, workers, devices):
    if name != "multi_worker" and len(workers) > 1:
        raise ValueError(
            f"The strategy {name!r} trains in one process and cannot be combined with several "
            f"workers: take multi_worker, or name none. Received: workers={','.join(workers)}"
        )
    if name == "multi_worker" and len(workers) < 2:
        raise ValueError(
            "The strategy 'multi_worker' needs two workers or more: name them as "
            f"host:port,host:port or set TF_CONFIG. Received: workers={','.join(workers)}"
        )
    if name == "one" and (devices or 1) > 1:
        raise ValueError(
            "The strategy 'one' uses one device: take mirrored for several. "
            f"Received: devices={devices}"
        )


def _use_devices(count):
    """Keeps the first GPUs, or splits the CPU where there is none."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus and count > len(gpus):
        raise ValueError(f"This machine has {len(gpus)} GPU(s). Received: devices={count}")
    try:
        if gpus:
            tf.config.set_visible_devices(gpus[:count], "GPU")
        else:
            cpu = tf.config.list_physical_devices("CPU")[0]
            parts = [tf.config.LogicalDeviceConfiguration()] * count
            tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError as error:  # TensorFlow has begun to use them
        if len(_visible_devices()) != count:
            raise ValueError(
                "Devices are chosen before TensorFlow first uses one: call this first. "
                f"Received: devices={count}, {len(_visible_devices())} in use"
            ) from error


def _visible_devices():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.partition("device:")[2] for device in devices]


def _multi_worker(workers, task_index):
    import tensorflow as tf

    _meet(workers, task_index)
    # The flags and TF_CONFIG end in the same words, which TensorFlow reads from the environment.
    task = {"type": "worker", "index": task_index}
    os.environ[_CLUSTER_VARIABLE] = json.dumps({"cluster": {"worker": workers}, "task": task})
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_TIMEOUT_SECONDS)
    handler = signal.getsignal(signal.SIGTERM)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    signal.signal(signal.SIGTERM, handler)  # TensorFlow's own would swallow it
    return strategy


def _meet(workers, task_index):
    """Returns when every worker can be reached; TensorFlow would wait far longer, deaf to signals.

    TensorFlow takes the same ports next, so one that has gone on can still be reached.
    """
    deadline = time.monotonic() + _MEETING_SECONDS
    missing = [address for i, address in enumerate(workers) if i != task_index]
    with _listening(workers[task_index]):
        while missing := [address for address in missing if not _answers(address)]:
            if time.monotonic() > deadline:
                raise LostWorkerError(
                    f"Not all workers came within {_MEETING_SECONDS} seconds: start all of them, "
                    "and see that each can reach the others' ports. Received: worker "
                    f"{task_index} of {len(workers)}, no answer from {', '.join(missing)}"
                )
            time.sleep(0.2)


def _listening(address):
    """The port of this process, open; TensorFlow would end the process where it is taken."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", int(address.rpartition(":")[2])))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise OSError(
            f"The port of this worker cannot be used ({error}): end the process that holds it or "
            f"name another port for every worker. Received: {address}"
        ) from error
    return listener


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except OSError:  # it is not there yet
        return False
    return True
