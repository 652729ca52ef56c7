"""Options of the page that runs a model in the browser."""

import dataclasses

from keras_crosspool.config.option import option
from keras_crosspool.config.parity_config import ParityConfig


@dataclasses.dataclass(frozen=True)
class PageConfig(ParityConfig):
    """Which model the page shows, where it is written, and the runtime in it."""

    output: str | None = option(
        None, "Folder to write, for any static server; an older page is replaced.", required=True
    )
    precision: str = option(
        "float32",
        "Precision of the model's weights; float16 halves the file, and the page computes in "
        "float32 all the same.",
        choices=("float32", "float16"),
    )
    runtime: str | None = option(
        None,
        "File of the runtime's npm package (onnxruntime-web), for machines without network; "
        "fetched once from the npm registry if unset.",
    )
