"""How training ends before its time: exit codes of their own, by the conventions of sysexits.h."""


class StoppedError(Exception):
    """Training stopped, and the same command takes it up where it was.

    Attributes:
        exit_code: int, of the process.
    """

    exit_code = 75


class InterruptedTrainingError(StoppedError):
    """A signal asked for the end; what was reached is kept."""


class LostWorkerError(StoppedError):
    """Another worker is gone, so that this one cannot go on."""

    exit_code = 69
