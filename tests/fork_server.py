"""A process that has imported Keras and forks for each command, so that mains start at once.

`python -m MODULE` spends seconds on importing TensorFlow before it looks at its input. A fork of
a process that did so already is a process of its own all the same: with its own arguments, folder,
standard output and error, flags and exit code, and with TensorFlow as it is after its import,
since the server starts no device and calls no operation. What is read while TensorFlow and Keras
are imported, such as KERAS_BACKEND, is the server's: commands that depend on it need a new process.
"""

import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading

_PRELOADED = ("tensorflow", "keras", "scipy.special", "matplotlib", "rich.console", "PIL.Image")
_LONGEST = 1 << 17  # bytes of a command, which is one message
FORKS = hasattr(os, "pidfd_open") and hasattr(socket, "SOCK_SEQPACKET")  # as on Linux


class ForkServer:
    """Runs commands in forks of a server, which is started for the first of them.

    Args:
        root: path of the folder that the server's modules are imported from.
        environment: dict, the variables of the server and of every command.
    """

    def __init__(self, root, environment):
        self.environment = dict(environment)
        self._root = root
        self._lock = threading.Lock()
        self._control = self._process = None

    def run(self, module, *arguments, cwd):
        """Runs `python -m MODULE ARGUMENTS`.

        Returns:
            `subprocess.CompletedProcess` with the output as text.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = self.start(module, *arguments, cwd=cwd, out=out, err=err).wait()
            command = [module, *map(str, arguments)]
            return subprocess.CompletedProcess(command, code, _text(out), _text(err))

    def start(self, module, *arguments, cwd, out, err):
        """Starts `python -m MODULE ARGUMENTS`, its output going to two open files.

        Returns:
            `Forked`.
        """
        command = [str(cwd), module, *map(str, arguments)]
        answer, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with told, self._lock:
            self._begin()
            files = [file.fileno() for file in (out, err, told)]
            socket.send_fds(self._control, [json.dumps(command).encode()], files)
        return Forked(answer)

    def close(self):
        """Ends the server."""
        if self._process:
            self._control.close()
            self._process.wait()

    def _begin(self):
        if self._process:
            return
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    f"import tests.fork_server; tests.fork_server.serve({other.fileno()})",
                ],
                cwd=self._root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # that of a command is no terminal either
                pass_fds=[other.fileno()],
            )


class Forked:
    """A process that the server forked; of `subprocess.Popen` it has what the tests need.

    Args:
        answer: socket on which the server tells its number and then its exit code.
    """

    def __init__(self, answer):
        self._answer, self._code = answer, None
        self.pid = self._told()

    def poll(self):
        """Its exit code, or `None` while it runs."""
        if self._code is None and select.select([self._answer], [], [], 0)[0]:
            self._end()
        return self._code

    def wait(self, timeout=None):
        """Waits for its end; its exit code.

        Raises:
            subprocess.TimeoutExpired: if it takes longer, in seconds.
        """
        if self._code is None:
            if not select.select([self._answer], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            self._end()
        return self._code

    def send_signal(self, number):
        """Sends a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)

    def _end(self):
        self._code = self._told()
        self._answer.close()

    def _told(self):
        number = self._answer.recv(16)
        if not number:
            raise RuntimeError("Expected a word of the fork server. Received: its end")
        return int(number)


def serve(descriptor):
    """Forks for each message on a socket until that is closed; a fork returns once it has run."""
    for name in _PRELOADED:
        importlib.import_module(name)
    from tensorflow.python.eager import context

    assert context.context_safe() is None, "TensorFlow has started: a fork would lack its threads"
    gc.freeze()  # a fork that collects garbage leaves what it shares alone
    module = _Forks(socket.socket(fileno=descriptor)).next_module()
    if module:
        runpy._run_module_as_main(module)


class _Forks:
    """The server's side: its forks, and whom to tell of their ends."""

    def __init__(self, control):
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def next_module(self):
        """In a fork the module to run, all else being set; in the server, at its end, `None`."""
        while True:
            for key, _ in self._selector.select():
                if key.data:
                    self._report(key.fileobj, *key.data)
                    continue
                message, files, _, _ = socket.recv_fds(self._control, _LONGEST, 3)
                if not message:
                    return None
                out, err, answer = files
                process = os.fork()
                if not process:
                    self._close(answer)
                    return _become(out, err, *json.loads(message))
                os.close(out)
                os.close(err)
                os.write(answer, str(process).encode())
                watched = os.pidfd_open(process)
                self._selector.register(watched, selectors.EVENT_READ, (process, answer))

    def _report(self, watched, process, answer):
        """Tells the exit code of a fork that has ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        self._selector.unregister(watched)
        os.close(watched)
        os.write(answer, str(code).encode())
        os.close(answer)

    def _close(self, answer):
        """Closes in a fork what is the server's, so that its end is seen by those that wait."""
        os.close(answer)
        for key in list(self._selector.get_map().values()):
            if key.data:
                os.close(key.fileobj)
                os.close(key.data[1])
        self._selector.close()
        self._control.close()


def _become(out, err, cwd, module, *arguments):
    """Makes a fork what a new process of the command would be, and gives back its module."""
    import numpy as np

    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    sys.stdout.reconfigure(write_through=True)
    os.chdir(cwd)
    sys.path[0] = os.getcwd()
    sys.argv[1:] = arguments
    np.random.seed()  # no two processes draw alike; that of `random` sees to it itself
    return module


def _text(file):
    file.seek(0)
    with open(os.dup(file.fileno())) as text:
        return text.read()
