"""What it takes to solve a classifier, estimated before its descriptors are computed."""

import dataclasses
import math

from keras_crosspool.closed_form.branch import BLOCK
from keras_crosspool.closed_form.methods import METHODS
from keras_crosspool.closed_form.streaming_problem import BATCH, MOST_JUDGED
from keras_crosspool.closed_form.weightings import WEIGHT_RATIOS
from keras_crosspool.numerics.folds import FOLDS

FORMS = METHODS["ridge"].forms
_LARGE = 1e9  # bytes of descriptors from which on the Gram matrix is made of a scratch file
_SPARSE = 50  # dense multiplications in the time of one with a sparse matrix, measured


@dataclasses.dataclass(frozen=True)
class ProblemSize:
    """What is to be solved, in figures.

    Attributes:
        rows: int, of all workers.
        dims: tuple of int, length of each branch's descriptors.
        num_classes: int.
        kept_dims: tuple of int, those of the branches whose descriptors are still to be computed.
        workers: int, processes among which the rows are divided. Defaults to `1`.
    """

    rows: int
    dims: tuple[int, ...]
    num_classes: int
    kept_dims: tuple[int, ...]
    workers: int = 1

    @property
    def own_rows(self):
        """Rows of a worker."""
        return -(-self.rows // self.workers)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The form in which a problem is solved, and what that is estimated to take.

    Attributes:
        form: `"gram"`, `"primal"` or `"projected"`.
        width: int, length that longer descriptors are projected to; `None` where none is.
        memory: int, bytes of each worker process, at most.
        disk: int, bytes of each worker's scratch file; 0 where descriptors are kept in memory.
        operations: float, dense multiplications of each worker, or as much time.
    """

    form: str
    width: int | None
    memory: int
    disk: int
    operations: float

    @property
    def words(self):
        """The plan, to be read."""
        width = "" if self.width is None else f" to {self.width} values"
        disk = f" and {self.disk / 1e9:.1f} GB of disk" if self.disk else ""
        return f"{self.form}{width}, {self.memory / 1e9:.1f} GB of memory{disk}"


def plan_gram(size, disk):
    """The `Plan` of a classifier solved on the Gram matrix.

    Descriptors of more than 1 GB lie in a scratch file if the disk has room for it: the system
    keeps a file in memory as long as nothing else needs that.

    Args:
        size: `ProblemSize`.
        disk: int, bytes that a scratch file may take.

    Example:

    >>> plan_gram(ProblemSize(6432, (65536,), 81, (65536,)), disk=10**10).words
    'gram, 1.9 GB of memory and 1.7 GB of disk'
    """
    descriptors = 4 * size.own_rows * sum(size.kept_dims)
    stored = descriptors if _LARGE < descriptors <= disk else 0
    # float32 for each branch; their sum, the part without a fold, and the solver's copies.
    grams = size.rows**2 * (4 * len(size.dims) + 28)
    shown = 3 * 4 * size.rows * 1024 if size.workers > 1 else 0
    operations = size.rows**2 * sum(size.dims) / size.workers
    operations += _solutions(size) * (size.rows * (FOLDS - 1) / FOLDS) ** 3 / 3
    kept = 2 * BLOCK if stored else descriptors
    memory = kept + grams + shown + _scores(size, size.rows)
    return Plan("gram", None, memory, stored, operations)


def plan_streaming(size, form, width=None):
    """The `Plan` of a ridge solved on streamed statistics, of projections if there is a width.

    Example:

    >>> plan_streaming(ProblemSize(10**6, (65536,), 81, (65536,)), "projected", 8192).words
    'projected to 8192 values, 6.0 GB of memory and 32.8 GB of disk'
    """
    dims = [min(x, width or x) for x in size.dims]
    total = sum(dims)
    # A scatter matrix a fold, the one that is solved, its factor and one being copied.
    statistics = 8 * total * ((FOLDS + 3) * total + 3 * FOLDS * size.num_classes)
    batch = (4 + 8 + 8) * BATCH * total
    entries = sum(width * math.sqrt(x) for x in size.dims if x > (width or x))
    disk = 4 * size.own_rows * sum(min(x, width or x) for x in size.kept_dims)
    operations = size.own_rows * (total**2 / 2 + _SPARSE * entries)
    operations += _solutions(size) * total**3 / 3
    scores = _scores(size, min(size.rows, MOST_JUDGED))
    memory = statistics + batch + int(8 * entries) + scores
    return Plan(form, width, memory, disk, operations)


def _solutions(size):
    """How often a system is solved: each alpha, then each weighting, without each fold."""
    weightings = len(WEIGHT_RATIOS) ** (len(size.dims) - 1)
    return FOLDS * (len(METHODS["ridge"].alphas) + weightings - 1)


def _scores(size, rows):
    """Bytes of held-out scores at every alpha and of what is made of one's."""
    return 8 * rows * size.num_classes * (2 * len(METHODS["ridge"].alphas) + 4)
