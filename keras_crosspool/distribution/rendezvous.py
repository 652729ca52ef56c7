"""All workers meet by their ports before TensorFlow starts, so that a missing one is named."""

import socket
import time

from keras_crosspool.errors import LostWorkerError

_MEETING_SECONDS = 300  # for all workers to be started


def meet(workers, rank):
    """Returns when every worker can be reached.

    TensorFlow alone would wait far longer and would not react to signals. It takes the same ports
    next, so a worker that has gone on can still be reached.

    Args:
        workers: tuple of str, `"host:port"` of each worker.
        rank: int, which of them this process is.

    Raises:
        OSError: if the port of this process cannot be used.
        LostWorkerError: if a worker does not answer within five minutes.
    """
    deadline = time.monotonic() + _MEETING_SECONDS
    missing = [address for i, address in enumerate(workers) if i != rank]
    with _listening(workers[rank]):
        while missing := [address for address in missing if not _answers(address)]:
            if time.monotonic() > deadline:
                raise LostWorkerError(
                    f"Not all workers connected within {_MEETING_SECONDS} seconds: start all of "
                    "them, and see that each can reach the others' ports. Received: worker "
                    f"{rank} of {len(workers)}, no answer from {', '.join(missing)}"
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
