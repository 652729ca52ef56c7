"""Options of the launcher."""

import dataclasses

from keras_crosspool.config.option import Config, option


@dataclasses.dataclass(frozen=True)
class LaunchConfig(Config):
    """How many workers are started, and what follows when one stops."""

    workers: int = option(2, "Processes to start.", least=2)
    port: int | None = option(
        None, "Port of the first worker, the others' follow; free ones if unset.", least=1
    )
    restarts: int = option(0, "Times that workers which stopped are started again.", least=0)
