"""Silence at the start of a command: the notes that TensorFlow writes while it is imported.

TensorFlow's native code writes them to file descriptor 2, where neither Python's `logging` nor,
for some of them, TF_CPP_MIN_LOG_LEVEL reaches. A process of its own reads that descriptor during
the import and passes on every line but the known notes, so that also the last words of an import
that crashes are shown.

One warning of its Python code is dropped too, on functions that are traced again and again: a
command calls each of its models on few batches, and TensorFlow takes their first traces for those
of one function.
"""

import contextlib
import functools
import importlib.machinery
import logging
import os
import subprocess
import sys

_LEVEL, _WARNINGS = "TF_CPP_MIN_LOG_LEVEL", "1"
_INFO = r"(?:I\d{4} |\d{4}-\S+ \S+ I )\S.*\b"  # as TensorFlow begins a line today, and before 2.20
_NOTES = "|".join(
    (
        r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR",
        _INFO + r"port\.cc:\d+\] oneDNN custom operations are on\.",
        _INFO + r"cpu_feature_guard\.cc:\d+\] This TensorFlow binary is optimized to use available",
        r"To enable the following instructions: .*, in other operations, rebuild TensorFlow with",
    )
)
_FILTER = """
import re, sys
notes = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not notes.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
"""
_PATIENCE = 5  # seconds for what is left in the pipe


def silence_tensorflow():
    """Keeps the start-up notes of TensorFlow from standard error, when it is imported later.

    Warnings and errors are shown, but for the one on retracing. TF_CPP_MIN_LOG_LEVEL is set to 1
    where it is not set.
    """
    logging.getLogger("tensorflow").addFilter(_is_shown)
    os.environ.setdefault(_LEVEL, _WARNINGS)
    if not any(isinstance(finder, _TensorFlowFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TensorFlowFinder())


def _is_shown(record):
    """Whether a line of TensorFlow's Python code is logged."""
    return "triggered tf.function retracing" not in str(record.msg)


@contextlib.contextmanager
def without_notes():
    """A context in which known notes of TensorFlow do not reach standard error; all else does."""
    try:
        process, kept = _start_filter(), os.dup(2)
    except OSError:  # standard error is closed, or no process can be started
        yield
        return
    sys.stderr.flush()
    os.dup2(process.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)


def _start_filter():
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _FILTER, _NOTES],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt from the keyboard is not for it
    )


class _TensorFlowFinder:
    """A finder that has TensorFlow imported without its notes."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader.exec_module = functools.partial(_execute, spec.loader.exec_module)
        return spec


def _execute(execute, module):
    with without_notes():
        execute(module)
