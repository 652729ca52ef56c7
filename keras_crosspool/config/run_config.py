"""Options that hold for every stage of a run."""

import dataclasses

from keras_crosspool.config.option import Config, option


@dataclasses.dataclass(frozen=True)
class RunConfig(Config):
    """Batches, seed and caches; the base of the stages' configs."""

    batch_size: int = option(32, "Images in a batch, of all devices together.", least=1)
    seed: int = option(0, "Seed of order, folds and augmentation.", least=0)
    cache_dir: str | None = option(
        None,
        "Folder that keeps region grids and decoded images; ~/.keras/keras_crosspool if unset.",
        of_the_run=False,
    )
