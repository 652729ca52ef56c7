"""What every main shares: an end before its time is one clear line and an exit code."""

import sys

from absl import app, flags, logging

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

    The traceback behind the line is shown with `--verbosity=1`.

    Args:
        main: function of the list of positional arguments.
        positional: str, what the positional arguments are, such as `"IMAGE"`; `None` refuses
            them. Defaults to `None`.
    """

    def guarded(argv):
        try:
            main(_positional_arguments(argv[1:], positional))
        except _USER_ERRORS as error:
            logging.debug("where the error arose", exc_info=True)
            _fail(error)
        except StoppedError as stop:
            logging.debug("where it stopped", exc_info=True)
            _fail(stop, stop.exit_code)

    app.run(guarded, flags_parser=_parse_flags)


def _parse_flags(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        return _fail(f"{error} Pass --help to see the flags.")
    except SystemExit:
        sys.exit(0)  # --help was answered, which absl takes for a failure


def _fail(error, exit_code=2):
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(exit_code)


def _positional_arguments(arguments, positional):
    if positional is None and arguments:
        raise ValueError(
            "Only flags are taken here, written --flag=value; see --help. "
            f"Received: {' '.join(arguments)}"
        )
    return arguments
