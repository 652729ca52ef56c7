"""The errors of work that ends before its time, and the exit codes of every main.

The codes follow the conventions of sysexits.h: 75, try again; 69, something needed is gone.
"""

USER_ERROR_EXIT_CODE = 2  # what the user gave cannot be used; absl takes 1 for crashes


class StoppedError(Exception):
    """Work stopped before its end, and the same command takes it up where it was.

    Attributes:
        exit_code: int, of the process.
    """

    exit_code = 75


class InterruptedTrainingError(StoppedError):
    """A signal asked for the end; what was reached is kept."""


class LostWorkerError(StoppedError):
    """Another worker is gone, so that this one cannot go on."""

    exit_code = 69
