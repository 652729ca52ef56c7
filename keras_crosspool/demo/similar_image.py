"""One image of the gallery."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class SimilarImage:
    """An image that is near to the one that is asked about.

    Attributes:
        image: uint8 `(side, side, 3)`, RGB.
        classes: tuple of str, the classes of its labels.
        similarity: float, cosine of its descriptor and that of the image asked about.
    """

    image: np.ndarray
    classes: tuple[str, ...]
    similarity: float

    def caption(self):
        """Its classes and similarity in a line.

        Example:

        >>> SimilarImage(np.zeros((2, 2, 3), "uint8"), ("Orange",), 0.8125).caption()
        'Orange 0.812'
        """
        return f"{', '.join(self.classes)} {self.similarity:.3f}"
