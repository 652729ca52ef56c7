"""Principal components in one streaming pass, exact where that fits and sketched above."""

import numpy as np

_FEW = 3  # times fewer rows than columns of the scatter matrix are kept as they are


class StreamingPCA:
    """Principal component analysis of rows that arrive in batches.

    A few rows, up to a third as many as columns, are kept as they are: their singular value
    decomposition is exact and faster. Of more rows it keeps `C @ sketch` of the scatter matrix `C`,
    and the last ones, fewer than its columns, until they are added to it. Up to `max_exact`
    dimensions the sketch is the identity and the result exact; above, it is a random projection
    and the components come from the Nyström approximation of `C`, so memory stays twice
    `dims x sketch_width` and the time grows with the dimensions alone.

    Args:
        num_components: int, the number of components.
        max_exact: int, the most dimensions that are treated exactly. Defaults to `4096`.
        sketch_width: int, columns of the sketch above that. Defaults to four times the components,
            at least 256.
        seed: int, of the random projection. Defaults to `0`.

    Reference:
        Halko, Martinsson and Tropp, SIAM Review 53(2), 2011, section 5.5 (single pass); Tropp et
        al., "Fixed-Rank Approximation of a Positive-Semidefinite Matrix from Streaming Data",
        NIPS 2017.

    Example:

    >>> rows = np.random.default_rng(0).normal(size=(500, 8)) * [9, 5, 1, 1, 1, 1, 1, 1]
    >>> pca = StreamingPCA(2)
    >>> for batch in np.split(rows, 5):
    ...     pca.update(batch)
    >>> mean, components, variances = pca.fit()
    >>> components.shape, np.abs(components).argmax(axis=0).tolist()
    ((8, 2), [0, 1])
    """

    def __init__(self, num_components, max_exact=4096, sketch_width=None, seed=0):
        self.num_components = num_components
        self.max_exact = max_exact
        self.sketch_width = sketch_width or max(4 * num_components, 256)
        self.seed = seed
        self.count = 0

    def update(self, rows):
        """Adds rows `(n, dims)` to the statistics."""
        rows = np.asarray(rows, "float32")
        if self.count == 0:
            self._start(rows)
        shifted = rows - self._shift  # keeps float32 products accurate far from the origin
        self.count += len(rows)
        self._sum += shifted.sum(axis=0, dtype="float64")
        self._waiting.append(shifted)
        if self._are_many and sum(map(len, self._waiting)) >= self._width:
            self._scatter_waiting()

    def reduce(self, all_reduce):
        """Makes the statistics those of all workers' rows, exactly; every worker must call it.

        Args:
            all_reduce: function that sums an array over the workers, such as
                `ProcessGroup.all_reduce`.
                Each worker must have seen rows.
        """
        self._scatter_waiting()
        shift = all_reduce(self._shift) / all_reduce(np.ones(1, "float32"))
        moved = self._shift.astype("float64") - shift  # what that adds to rows as seen from here
        away = moved if self._sketch is None else moved @ self._sketch
        so_far = self._sum if self._sketch is None else self._sum @ self._sketch
        scatter = self._scatter + np.outer(self._sum, away)
        scatter += np.outer(moved, so_far + self.count * away)
        self._shift, self._scatter = shift, all_reduce(scatter)
        self._sum = all_reduce(self._sum + self.count * moved)
        self.count = int(all_reduce(np.array(self.count)))

    def fit(self):
        """The principal components of all rows so far.

        Returns:
            `mean (dims,)`, `components (dims, num_components)` with unit columns, and their
            `variances (num_components,)` in falling order; float32. The largest number of each
            component is positive.

        Raises:
            ValueError: if there are fewer rows, or dimensions, than components.
        """
        dims = len(self._sum) if self.count else 0
        if min(self.count - 1, dims) < self.num_components:
            raise ValueError(
                f"PCA to {self.num_components} components needs more than {self.num_components} "
                "rows of at least that many dimensions; each position of an image is a row. Give "
                "more or larger images, or ask for fewer components (`feature_channels`), here "
                f"{max(min(self.count - 1, dims), 0)} at most. "
                f"Received: {self.count} rows of {dims} dimensions"
            )
        if self._are_many:
            self._scatter_waiting()
        offset = self._sum / self.count
        if not np.isfinite(offset).all():
            raise ValueError(
                "PCA needs finite rows: look for images with NaN or infinite pixels. "
                "Received: NaN or infinity in the sum of the rows"
            )
        if self._scatter is None:
            vectors, squares = self._svd(offset)
        else:
            squares, vectors = self._eigh(self._centred_scatter(offset))
        order = np.argsort(squares)[::-1][: self.num_components]
        mean, components = self._shift + offset, _signed(vectors[:, order])
        variances = np.maximum(squares[order], 0) / (self.count - 1)
        return tuple(np.asarray(x, "float32") for x in (mean, components, variances))

    def _start(self, rows):
        self._shift = rows.mean(axis=0)
        self._sum = np.zeros(rows.shape[1])
        self._waiting, self._scatter, self._sketch = [], None, None

    @property
    def _are_many(self):
        """Whether there are so many rows that a scatter matrix is quicker than the rows."""
        return self.count > self._width // _FEW

    @property
    def _width(self):
        """The columns that are kept of the scatter matrix."""
        dims = len(self._sum)
        return dims if dims <= self.max_exact else min(dims, self.sketch_width)

    def _scatter_waiting(self):
        """Adds the rows that were kept so far to the scatter matrix."""
        if self._scatter is None:
            self._start_scatter()
        for rows in self._waiting:
            projected = rows if self._sketch is None else rows @ self._sketch
            self._scatter += rows.T @ projected
        self._waiting = []

    def _start_scatter(self):
        shape = (len(self._sum), self._width)
        self._scatter = np.zeros(shape)
        if shape[0] > shape[1]:
            normal = np.random.default_rng(self.seed).normal(size=shape)
            self._sketch = np.linalg.qr(normal)[0].astype("float32")

    def _svd(self, offset):
        """Components and squared singular values of the rows that were kept."""
        centred = np.concatenate(self._waiting).astype("float64") - offset
        _, singular, components = np.linalg.svd(centred, full_matrices=False)
        return components.T, np.square(singular)

    def _centred_scatter(self, offset):
        projected = offset if self._sketch is None else offset @ self._sketch
        return self._scatter - self.count * np.outer(offset, projected)

    def _eigh(self, scatter):
        """The largest eigenvalues and their vectors, of `C` itself or by `C @ sketch` (Nyström)."""
        if self._sketch is None:
            import scipy.linalg  # heavy

            last = len(scatter) - 1
            first = last + 1 - self.num_components
            return scipy.linalg.eigh(scatter, subset_by_index=(first, last))
        shift = np.finfo("float32").eps * np.linalg.norm(scatter)
        scatter = scatter + shift * self._sketch
        inner = self._sketch.T @ scatter
        root = np.linalg.cholesky((inner + inner.T) / 2)
        factor = np.linalg.solve(root, scatter.T).T  # C ~ factor @ factor.T
        vectors, singular, _ = np.linalg.svd(factor, full_matrices=False)
        return np.square(singular) - shift, vectors


def _signed(components):
    """Components whose largest number is positive: rounding leaves their signs as they are."""
    largest = np.abs(components).argmax(axis=0)
    return components * np.sign(components[largest, np.arange(components.shape[1])])
