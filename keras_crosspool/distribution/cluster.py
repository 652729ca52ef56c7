"""The addresses of the workers and this one's rank, from arguments or TF_CONFIG."""

import json
import os

CLUSTER_VARIABLE = "TF_CONFIG"


def read_cluster(workers, task_index):
    """The addresses of the workers and the rank of this one.

    Args:
        workers: tuple of str, `"host:port"` of each worker; empty for those of TF_CONFIG.
        task_index: int, the rank of this process, or `None` for that of TF_CONFIG.

    Returns:
        Tuple of str, the addresses, and int, the rank; `()` and `None` for one process.

    Raises:
        ValueError: if an address, the rank or TF_CONFIG is not as expected.
    """
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
    text = os.environ.get(CLUSTER_VARIABLE)
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
