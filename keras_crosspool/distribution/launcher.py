"""Workers as processes of this machine: started together, watched, ended together."""

import contextlib
import math
import signal
import socket
import subprocess
import sys
import threading
import time

from absl import logging

from keras_crosspool.errors import (
    USER_ERROR_EXIT_CODE,
    InterruptedTrainingError,
    LostWorkerError,
)

_SAME_ERROR_SECONDS = 5  # all workers have the same flags, so that each can say what is wrong
_GRACE_SECONDS = 60  # to write a checkpoint and find that the others are gone
_RESTARTED = (LostWorkerError.exit_code, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT)


def launch(arguments, workers=2, port=None, restarts=0):
    """Runs `keras_crosspool.train` in several processes that train together.

    A signal to end is passed on to all of them. Where a worker fails the others are asked to end,
    and made to after a minute.

    Args:
        arguments: list of str, flags of `keras_crosspool.train`.
        workers: int. Defaults to `2`.
        port: int, of the first worker; the others' follow. Defaults to free ones.
        restarts: int, how often workers are started again after one was lost. Defaults to `0`.

    Returns:
        int, exit code: that of the first worker to fail, or zero.
    """
    for attempt in range(restarts + 1):
        code = _run(arguments, workers, port)
        if code not in _RESTARTED or attempt == restarts:
            break
        logging.warning("a worker was lost (exit code %d): starting all again", code)
    return 128 - code if code < 0 else code  # as a shell says that a signal ended it


def _run(arguments, workers, port):
    ports = [port + i for i in range(workers)] if port else free_ports(workers)
    cluster = ",".join(f"127.0.0.1:{number}" for number in ports)
    processes = []
    for index in range(workers):
        command = [sys.executable, "-m", "keras_crosspool.train", *arguments]
        command += ["--strategy=multi_worker", f"--workers={cluster}", f"--task_index={index}"]
        processes.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    printers = [
        threading.Thread(target=_print_lines, args=(index, process))
        for index, process in enumerate(processes)
    ]
    for printer in printers:
        printer.start()
    with _passing_on(processes):
        code = _wait(processes)
    for printer in printers:
        printer.join()
    return code


def _wait(processes):
    """The exit code of the first process to fail, once all have ended."""
    failed, ask, kill = 0, math.inf, math.inf
    while any(process.poll() is None for process in processes):
        now = time.monotonic()
        if not failed and any(process.poll() for process in processes):
            failed = next(code for process in processes if (code := process.poll()))
            ends = now + (_SAME_ERROR_SECONDS if failed == USER_ERROR_EXIT_CODE else 0)
            kill = ends + _GRACE_SECONDS
            ask = math.inf if failed == InterruptedTrainingError.exit_code else ends  # all know
        if now >= ask:
            _signal(processes, signal.SIGTERM)
            ask = math.inf  # a second one would not let them write a checkpoint
        if now > kill:
            _signal(processes, signal.SIGKILL)
        time.sleep(0.1)
    return failed or next((process.returncode for process in processes if process.returncode), 0)


@contextlib.contextmanager
def _passing_on(processes):
    """Passes SIGTERM on to the workers; the keyboard's interrupt reaches them by itself."""
    handlers = {
        signal.SIGTERM: signal.signal(
            signal.SIGTERM, lambda number, frame: _signal(processes, number)
        ),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _signal(processes, number):
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _print_lines(index, process):
    for line in process.stdout:
        print(f"[worker {index}] {line}", end="", flush=True)


def free_ports(count):
    """Ports of this machine that nobody holds, a list of int."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
