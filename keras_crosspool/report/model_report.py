"""All that the page of a model shows."""

import dataclasses

from keras_crosspool.exporting.artefact import Artefact
from keras_crosspool.models.metadata import ModelMetadata
from keras_crosspool.report.latency import Latency
from keras_crosspool.report.measured import Measured


@dataclasses.dataclass(frozen=True)
class ModelReport:
    """All that the page of a model shows.

    Attributes:
        metadata: `ModelMetadata`.
        measured: `Measured`, `None` where no photographs were set aside to measure on.
        history: dict, metric to its value after each epoch of fine-tuning. Defaults to none.
        artefacts: tuple of `Artefact`. Defaults to none.
        latency: `Latency`. Defaults to none.
    """

    metadata: ModelMetadata
    measured: Measured | None
    history: dict = dataclasses.field(default_factory=dict)
    artefacts: tuple[Artefact, ...] = ()
    latency: Latency | None = None
