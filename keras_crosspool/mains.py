"""What every main shares: an end before its time is one clear line and an exit code."""

import os
import select
import signal
import sys

from absl import app, flags, logging

from keras_crosspool.text import printable, shortened

_USER_ERRORS = (
    ValueError,
    OSError,  # files that cannot be read or written, downloads that fail
    ImportError,
    FloatingPointError,
)


class StoppedError(Exception):
    """Work stopped before its end, and the same command takes it up where it was.

    Attributes:
        exit_code: int, of the process.
    """

    exit_code = 75


def run(main, positional=None):
    """Runs an absl main; an error in the user's input becomes one line and exit code 2.

    Training that was stopped and can be taken up again ends likewise, with a code of its own.

    The traceback behind the line is shown with `--verbosity=1`. Where the reader of the output is
    gone, as after `| head`, the program ends as other programs do, by SIGPIPE: write files first,
    and print last. What is logged reaches the terminal as printable text.

    Args:
        main: function of the list of positional arguments.
        positional: str, what the positional arguments are, such as `"IMAGE"`; `None` refuses
            them. Defaults to `None`.
    """

    def guarded(argv):
        try:
            main(_positional_arguments(argv[1:], positional))
            print(end="", flush=True)  # so that what cannot be written is told below
        except BrokenPipeError as error:
            if _reader_is_gone():
                _end_by_signal(signal.SIGPIPE)
            _fail(error)
        except _USER_ERRORS as error:
            logging.debug("where the error arose", exc_info=True)
            _fail(error)
        except StoppedError as stop:
            logging.debug("where it stopped", exc_info=True)
            _fail(stop, stop.exit_code)

    if sys.stdout:  # a name that the terminal's encoding lacks is shown by its escapes
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.get_absl_handler().python_handler.addFilter(_make_printable)
    app.run(guarded, flags_parser=_parse_flags)


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
        return flags.FLAGS(argv)
    except flags.Error as error:
        return _fail(f"{error} Pass --help to see the flags.")
    except SystemExit:
        sys.exit(0)  # --help was answered, which absl takes for a failure


def _fail(error, exit_code=2):
    text = " ".join(shortened(error).split())
    print(f"error: {printable(text)}", file=sys.stderr)
    sys.exit(exit_code)


def _positional_arguments(arguments, positional):
    if positional is None and arguments:
        raise ValueError(
            "Only flags are taken here, written --flag=value; see --help. "
            f"Received: {' '.join(arguments)}"
        )
    return arguments
