"""What holds for all rows of a table."""

import dataclasses

STEPS = ("build", "gradient", "solve", "save and load")


@dataclasses.dataclass(frozen=True)
class ZooSettings:
    """What is checked, on what.

    Attributes:
        formats: tuple of str, such as `"tflite:int8"`.
        data: str, folder of images, `split/class/*.jpg`, with the splits train and test.
        image_size: int, side in pixels; `None` for that of each network.
        versions: dict, library to version.
    """

    formats: tuple[str, ...]
    data: str
    image_size: int | None
    versions: dict

    @property
    def checks(self):
        """The columns of the table, tuple of str, in the order in which they are tried."""
        return (*STEPS, *self.formats)
