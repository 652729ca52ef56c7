"""What every main shares: bad input ends in one clear line and exit code 2."""

import sys

from absl import app

_USER_ERRORS = (
    ValueError,
    OSError,  # files that cannot be read or written, downloads that fail
    ImportError,
    FloatingPointError,
)


def run(main, positional=None):
    """Runs an absl main; an error in the user's input becomes one line and exit code 2.

    Args:
        main: function of the list of positional arguments.
        positional: str, what the positional arguments are, such as `"IMAGE"`; `None` refuses
            them. Defaults to `None`.
    """

    def guarded(argv):
        try:
            main(_positional_arguments(argv[1:], positional))
        except _USER_ERRORS as error:
            if "--debug" in sys.argv:
                raise
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)

    app.run(guarded)


def _positional_arguments(arguments, positional):
    if positional is None and arguments:
        raise ValueError(
            "Only flags are taken here, written --flag=value; see --help. "
            f"Received: {' '.join(arguments)}"
        )
    return arguments
