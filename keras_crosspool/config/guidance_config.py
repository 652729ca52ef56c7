"""Options of the guidance layer of scheme 2."""

import dataclasses

from keras_crosspool.config.option import option
from keras_crosspool.config.run_config import RunConfig


@dataclasses.dataclass(frozen=True)
class GuidanceConfig(RunConfig):
    """How the guidance layer is trained on top of the frozen grid, by AdamW."""

    guidance_epochs: int = option(
        15, "Epochs that train scheme 2's guidance layer; 0 leaves random filters.", least=0
    )
    guidance_rate: float = option(
        1e-3,
        "Peak learning rate of the guidance layer; it decays to zero along a cosine.",
        least=0.0,
    )
