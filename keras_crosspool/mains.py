"""What every main shares: an end before its time is one clear line and an exit code."""

import errno
import importlib
import os
import re
import select
import signal
import sys
import threading

from absl import app, flags, logging

from keras_crosspool.errors import USER_ERROR_EXIT_CODE, StoppedError
from keras_crosspool.old_flags import renamed
from keras_crosspool.quiet import silence_tensorflow
from keras_crosspool.text import printable, shortened

_USER_ERRORS = (
    ValueError,
    OSError,  # files that cannot be read or written, downloads that fail
    ImportError,
    FloatingPointError,
    MemoryError,
)
_NO_ROOM = "free some room there, or name another folder"
_NOT_ALLOWED = "allow it, or name another path"
_ADVICE = {
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: "name a folder that can be written",
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or name another folder",
    errno.ENOENT: "see that the name is right and the disk mounted",
    errno.ENOTDIR: "a part of the path is a file; name another path",
    errno.EISDIR: "name a file",
    errno.EEXIST: "a file or a link stands where a folder is needed; name another path",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.ELOOP: "name a path without links that lead to themselves",
}
_VERBOSE = re.compile(r"(?:^|\s)--?(?:verbosity|v)[= ][1-9]")


flags.disclaim_key_flags()  # those that are adopted here are the main's


class _AskedToStop(BaseException):
    """A signal asked the process to end; like KeyboardInterrupt no error that could be handled."""


def run(main, positional=None, needs=None, flag_module=None):
    """Runs an absl main; an error in the user's input becomes one line and exit code 2.

    Work that was stopped ends likewise, with a code of its own: SIGTERM and an interrupt from the
    keyboard end it in order, so that nothing stays half-written.

    The traceback behind the line is shown with `--verbosity=1`. Where the reader of the output is
    gone, as after `| head`, the program ends as other programs do, by SIGPIPE: write files first,
    and print last. What is logged reaches the terminal as printable text. TensorFlow's start-up
    notes are not shown, except with `--verbosity=1`.

    Args:
        main: function of the list of positional arguments.
        positional: str, what the positional arguments are, such as `"IMAGE"`; `None` refuses
            them. Defaults to `None`.
        needs: str, what has to be installed, as `prepare_keras` takes it, which then sets Keras;
            `None`, the default, is nothing.
        flag_module: str, name of a module that defines further flags and is imported once what is
            needed is known to be there. Defaults to none.
    """
    if not _VERBOSE.search(" ".join(sys.argv[1:])):  # flag modules are imported before it is parsed
        silence_tensorflow()
    if needs:
        _check_installed(needs)
    if flag_module:
        flags.adopt_module_key_flags(importlib.import_module(flag_module))

    def guarded(argv):
        try:
            _listen(_stop)
            if needs:
                from keras_crosspool.environment import prepare_keras

                prepare_keras(needs)
            main(_positional_arguments(argv[1:], positional))
            print(end="", flush=True)  # so that what cannot be written is told below
        except BrokenPipeError as error:
            if _reader_is_gone():
                _end_by_signal(signal.SIGPIPE)
            _fail(error)
        except _USER_ERRORS as error:
            logging.debug("where the error arose", exc_info=True)
            _fail(_words(error))
        except StoppedError as stop:
            logging.debug("where it stopped", exc_info=True)
            _fail(stop, stop.exit_code)
        except _AskedToStop as stop:
            _fail(
                "Asked to stop before the end; what was not complete is not written, and the same "
                f"command starts again. Received: {stop}",
                StoppedError.exit_code,
            )

    if sys.stdout:  # a name that the terminal's encoding lacks is shown by its escapes
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.get_absl_handler().python_handler.addFilter(_make_printable)
    app.run(guarded, flags_parser=_parse_flags)


def _check_installed(needs):
    from keras_crosspool.environment import check_installed

    try:
        check_installed(needs)
    except ImportError as error:
        _fail(error)


def wait_until_stopped():
    """Waits for an interrupt or SIGTERM, which are how a server ends in order."""
    asked = threading.Event()

    def stop(number, frame):
        signal.signal(number, signal.SIG_DFL)  # a second one is not to wait
        asked.set()

    _listen(stop)
    asked.wait()


def _listen(handler):
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:  # as a shell starts work in the background
            signal.signal(number, handler)


def _stop(number, frame):
    signal.signal(number, signal.SIG_DFL)  # a second one is not to wait
    raise _AskedToStop(signal.Signals(number).name)


def _words(error):
    """An error in words; the system's own with what to do and the path that it is about."""
    if isinstance(error, ModuleNotFoundError):
        return (
            "A package is missing: install it, or all that the commands need by `pip install "
            f"keras_crosspool[all]`. Received: {error}"
        )
    if isinstance(error, MemoryError):
        return f"The memory is not enough: take smaller batches or images. Received: {error}"
    if not isinstance(error, OSError) or error.errno not in _ADVICE:
        return error
    received = f" Received: {error.filename}" if error.filename else ""
    return f"{error.strerror}: {_ADVICE[error.errno]}.{received}"


def _make_printable(record):
    """A filter of log records that lets all pass, and escapes what could steer a terminal."""
    lines = shortened(record.getMessage()).split("\n")
    record.msg, record.args = "\n".join(map(printable, lines)), None
    return True


def _reader_is_gone():
    """Whether nobody reads standard output any more."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are told of without being asked for
    return bool(poll.poll(0))


def _end_by_signal(number):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _parse_flags(argv):
    try:
        return flags.FLAGS([argv[0], *map(renamed, argv[1:])])
    except flags.Error as error:
        return _fail(f"{error} Pass --help to see the flags.")
    except SystemExit:
        sys.exit(0)  # --help was answered, which absl takes for a failure


def as_flags(text):
    """A message of the library in which the names of arguments are those of flags.

    Args:
        text: str, in which an argument stands as `name` or `name=value` between backquotes.
    """

    def flag(match):
        return f"--{match[1]}{match[2] or ''}" if match[1] in flags.FLAGS else match[0]

    return re.sub(r"`([a-z][a-z_0-9]*)(=[^`]*)?`", flag, text)


def _fail(error, exit_code=USER_ERROR_EXIT_CODE):
    text = " ".join(as_flags(shortened(error)).split())
    print(f"error: {printable(text)}", file=sys.stderr)
    sys.exit(exit_code)


def _positional_arguments(arguments, positional):
    if positional is None and arguments:
        raise ValueError(
            "Only flags are taken here, written --flag=value; see --help. "
            f"Received: {' '.join(arguments)}"
        )
    return arguments
