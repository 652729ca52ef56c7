"""How training ends before its time: exit codes of their own, by the conventions of sysexits.h."""

from keras_crosspool.mains import StoppedError


class InterruptedTrainingError(StoppedError):
    """A signal asked for the end; what was reached is kept."""


class LostWorkerError(StoppedError):
    """Another worker is gone, so that this one cannot go on."""

    exit_code = 69
