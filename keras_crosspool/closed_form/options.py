"""How a classifier is to be solved, as a user asks for it."""

import dataclasses
import tempfile

import numpy as np
from absl import logging

from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.plan import plan_gram, plan_streaming
from keras_crosspool.config.solver_config import SOLVER_FORMS, SolverConfig
from keras_crosspool.distribution import ONE_DEVICE
from keras_crosspool.memory import available_memory, free_disk

_QUICK = 3e13  # multiplications: ten minutes or so of two cores
_SHARE = 0.8  # of the memory that is available


@dataclasses.dataclass(frozen=True)
class SolverOptions:
    """How a classifier is to be solved.

    Args:
        method: `"ridge"` or `"svm"`. Defaults to `"ridge"`.
        form: str, defaults to `"auto"`; one of

            - `"gram"`: on the inner products of all rows, `n x n` numbers; exact, for any method;
            - `"primal"`: a ridge on the products of all columns, `dims x dims`, streamed; exact;
            - `"projected"`: the same on a sparse random projection of long descriptors;
            - `"auto"`: `"gram"` where that fits the memory and is a matter of minutes, otherwise
              what takes the fewest operations among those that fit.
        memory_gb: float, memory of each worker process in 10^9 bytes. Defaults to four fifths of
            what is available.
        projected_dims: int, length that longer descriptors are projected to; where memory is short
            a half, a quarter or an eighth. Defaults to `8192`.

    Raises:
        ValueError: if a name is unknown, a number is not above zero, or the method cannot be
            solved in the form.

    Example:

    >>> from keras_crosspool.closed_form.plan import ProblemSize
    >>> options = SolverOptions(memory_gb=16)
    >>> [options.plan(ProblemSize(n, (1280,), 10, (1280,))).form for n in (10**3, 10**6)]
    ['gram', 'primal']
    """

    method: str = SolverConfig.method
    form: str = SolverConfig.form
    memory_gb: float | None = SolverConfig.memory_gb
    projected_dims: int = 8192

    def __post_init__(self):
        for name, known in (("method", tuple(METHODS)), ("form", SOLVER_FORMS)):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}. Received: {value!r}")
        for name in ("memory_gb", "projected_dims"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above zero. Received: {value}")
        if self.form not in ("auto", *METHODS[self.method].forms):
            raise ValueError(
                f"The {self.method} is solved in the form gram alone: take that or the ridge. "
                f"Received: form={self.form!r}"
            )

    @classmethod
    def of(cls, config):
        """The options that a `SolverConfig` asks for."""
        return cls(config.method, config.form, config.memory_gb)

    def plan(self, size, gram_only=False, distribution=ONE_DEVICE):
        """Chooses the form and says what it takes; every worker must call it, all choose the same.

        Args:
            size: `ProblemSize`.
            gram_only: bool, whether a branch knows its folds by Gram matrices alone.
                Defaults to `False`.
            distribution: `Distribution`. Defaults to one device.

        Returns:
            A `Plan`.

        Raises:
            ValueError: if no form that can be used fits the memory.
            OSError: if the scratch file does not fit on the disk.
        """
        memory = int(1e9 * self.memory_gb) if self.memory_gb else int(_SHARE * available_memory())
        room = np.array([[memory, free_disk(tempfile.gettempdir())]])
        memory, disk = distribution.all_gather(room).min(axis=0)
        plans = [self._plan(form, size, memory, disk) for form in self._forms(gram_only)]
        fitting = [plan for plan in plans if plan.memory <= memory]
        if not fitting:
            raise ValueError(
                f"The classifier cannot be solved in {memory / 1e9:.1f} GB of memory: it takes "
                f"{'; or '.join(plan.words for plan in plans)}. Give it more memory, more workers, "
                "fewer images or views, or fewer channels. "
                f"Received: {_words(size)}, method={self.method}, form={self.form}"
            )
        quick = [plan for plan in fitting if plan.form == "gram" and plan.operations < _QUICK]
        plan = min(quick or fitting, key=lambda plan: plan.operations)
        logging.info("solver: %s, for %s", plan.words, _words(size))
        if plan.disk > disk:
            raise OSError(
                f"The descriptors need {plan.disk / 1e9:.1f} GB of scratch disk: free some, or "
                f"name a folder with more by TMPDIR. Received: {disk / 1e9:.1f} GB free in "
                f"{tempfile.gettempdir()}"
            )
        return plan

    def _forms(self, gram_only):
        if gram_only and self.form not in ("auto", "gram"):
            raise ValueError(
                "A branch that is fitted anew for each fold, such as the trained guidance of "
                "scheme 2, is judged by Gram matrices alone: take the form gram. "
                f"Received: form={self.form!r}"
            )
        if self.form != "auto":
            return [self.form]
        return ["gram"] if gram_only else METHODS[self.method].forms

    def _plan(self, form, size, memory, disk):
        if form == "gram":
            return plan_gram(size, disk)
        if form == "primal":
            return plan_streaming(size, form)
        widths = [max(1, self.projected_dims // part) for part in (1, 2, 4, 8)]
        plans = [plan_streaming(size, form, width) for width in widths]
        return next((plan for plan in plans if plan.memory <= memory), plans[-1])


def _words(size):
    return f"{size.rows} rows of {' + '.join(map(str, size.dims))} values"
