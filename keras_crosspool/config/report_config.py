"""Options of the report of a trained model."""

import dataclasses

from keras_crosspool.config.model_use_config import LabelledUseConfig
from keras_crosspool.config.option import option


@dataclasses.dataclass(frozen=True)
class ReportConfig(LabelledUseConfig):
    """What the page shows, and where it is written."""

    split: str | None = option(
        None,
        "Split to measure on; the one that training validated with if unset, and none if there "
        "was none.",
    )
    artefacts: str | None = option(
        None, "Folder that export wrote to: each file with its size and its parity check."
    )
    latency: str | None = option(
        None, "JSON file of benchmarks.latency: accuracy against the latency that was measured."
    )
    output: str | None = option(
        None, "HTML file to write; report.html in the model directory if unset."
    )
