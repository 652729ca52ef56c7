"""One fault that an audit found."""

import dataclasses

# Kinds in the order in which they are listed, each with its heading on the page.
KINDS = {
    "label": "Labels that are probably wrong",
    "leak": "The same photograph in two splits",
    "duplicate": "The same photograph twice in a split",
    "outlier": "Photographs unlike all others",
    "broken": "Images that cannot be read",
    "tiny": "Images that are too small",
    "dark": "Images that are too dark",
    "blurred": "Images that are blurred",
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault of one image.

    Attributes:
        kind: str, a key of `KINDS`.
        file: str, the image, named from the data folder on.
        score: float, from 0 to 1; the lower, the surer the fault.
        other_file: str, an image to look at beside it: the copy, or one of the class that it looks
            like. Empty without one.
        advice: str, what to do.
    """

    kind: str
    file: str
    score: float
    other_file: str
    advice: str
