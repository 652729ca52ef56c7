"""Options of the audit of a folder of photographs."""

import dataclasses

from keras_crosspool.config.option import Config, option
from keras_crosspool.limits import MAX_MEGAPIXELS


@dataclasses.dataclass(frozen=True)
class AuditConfig(Config):
    """Which photographs are audited, by which descriptors, and where the findings go."""

    data: str | None = option(
        None,
        "Folder of images laid out as split/class/*.jpg, or with split/labels.csv.",
        required=True,
    )
    model: str | None = option(
        None,
        "Model directory whose descriptors tell the images apart; if unset, scheme 1 on "
        "EfficientNetLite0, fitted to these images.",
    )
    splits: tuple[str, ...] | None = option(
        None, "Splits to audit together, as train,val; all that there are if unset."
    )
    output: str | None = option(
        "audit",
        "Folder to write: audit.json, audit.csv and audit.html; an older audit is replaced.",
    )
    groups: str = option(
        "auto",
        "Which photographs were taken together: a table file,group; none, each by itself; auto, "
        "what labels.csv, groups.csv or time and camera say, else how alike they are.",
    )
    batch_size: int = option(32, "Images computed at once.", least=1)
    max_megapixels: float = option(
        MAX_MEGAPIXELS,
        "The largest image that is decoded, in millions of pixels; larger ones are findings.",
        least=0.0,
    )
