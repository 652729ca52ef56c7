"""Sets up the devices of a run by `tf.distribute`."""

import json
import os
import signal

from keras_crosspool.config.device_config import STRATEGIES
from keras_crosspool.distribution.cluster import CLUSTER_VARIABLE, read_cluster
from keras_crosspool.distribution.distribution import ONE_DEVICE, Distribution, visible_devices
from keras_crosspool.distribution.rendezvous import meet
from keras_crosspool.environment import check_tensorflow_backend
from keras_crosspool.keras_backend import is_tensorflow

_TIMEOUT_SECONDS = 120  # of a collective operation, after which a worker counts as lost


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
    workers, task_index = read_cluster(tuple(workers or ()), task_index)
    if name == "auto":
        name = "multi_worker" if len(workers) > 1 else _local_strategy(devices)
    _check(name, workers, devices)
    if name != "one":
        check_tensorflow_backend("Training on several devices (`strategy`, `workers`, `devices`)")
    if devices:
        _use_devices(devices)
    if name == "one":
        return ONE_DEVICE
    import tensorflow as tf

    if name == "mirrored":
        return Distribution(tf.distribute.MirroredStrategy(visible_devices()), name=name)
    return Distribution(_multi_worker(workers, task_index), len(workers), task_index, name)


def _local_strategy(devices):
    if not is_tensorflow():
        return "mirrored" if (devices or 1) > 1 else "one"
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
        if len(visible_devices()) != count:
            raise ValueError(
                "Devices are chosen before TensorFlow first uses one: call this first. "
                f"Received: devices={count}, {len(visible_devices())} in use"
            ) from error


def _multi_worker(workers, task_index):
    import tensorflow as tf

    meet(workers, task_index)
    # The flags and TF_CONFIG end in the same words, which TensorFlow reads from the environment.
    task = {"type": "worker", "index": task_index}
    os.environ[CLUSTER_VARIABLE] = json.dumps({"cluster": {"worker": workers}, "task": task})
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=_TIMEOUT_SECONDS)
    handler = signal.getsignal(signal.SIGTERM)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    signal.signal(signal.SIGTERM, handler)  # TensorFlow's own would swallow it
    return strategy
