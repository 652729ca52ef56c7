"""Options of the devices and processes that train together."""

import dataclasses

from keras_crosspool.config.option import Config, option

STRATEGIES = ("auto", "one", "mirrored", "multi_worker")


@dataclasses.dataclass(frozen=True)
class DeviceConfig(Config):
    """Where a run takes place."""

    strategy: str = option(
        "auto",
        "Devices: one; mirrored, all GPUs of this machine; multi_worker, several processes, named "
        "by --workers or TF_CONFIG. auto: what is there.",
        choices=STRATEGIES,
        of_the_run=False,
    )
    workers: tuple[str, ...] = option(
        (),
        "Processes that train together, host:port of each, the same for all of them.",
        of_the_run=False,
    )
    task_index: int | None = option(
        None,
        "Which of the workers this process is, from 0 on.",
        least=0,
        of_the_run=False,
    )
    devices: int | None = option(
        None,
        "Devices of this process: GPUs, or parts of the CPU where there is none; all GPUs if "
        "unset.",
        least=1,
        of_the_run=False,
    )
