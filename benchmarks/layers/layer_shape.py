"""The shapes that the benchmark of the layers measures, and the operations they take."""

import dataclasses

WINDOW = 3


@dataclasses.dataclass(frozen=True)
class LayerShape:
    """The shapes of a pair of maps.

    Attributes:
        batch: int, images.
        side: int, positions a side.
        features: int, channels of the features.
        guidance: int, channels of the guidance.
    """

    batch: int
    side: int
    features: int
    guidance: int

    @classmethod
    def parse(cls, text):
        """The shape written as `BATCHxSIDExFEATURESxGUIDANCE`."""
        numbers = text.split("x")
        if len(numbers) != 4 or not all(n.isdecimal() and int(n) for n in numbers):
            raise ValueError(
                "A shape is four whole numbers from 1, BATCHxSIDExFEATURESxGUIDANCE, such as "
                f"8x28x512x512. Received: --shapes={text}"
            )
        return cls(*map(int, numbers))

    def product_flop(self):
        """Operations of the product A^T X: a multiplication and an addition a term."""
        return 2 * self.batch * self.side**2 * self.features * self.guidance

    def window_flop(self):
        """Operations that project a window at every position onto as many values as channels.

        The maps have a margin, so that windows lie on the grid of this shape.
        """
        return 2 * self.batch * self.side**2 * (WINDOW**2 * self.features) * self.features
