"""In what numbers, and by which compiler, the training step computes."""

from absl import logging

from keras_crosspool.config.fine_tuning_config import COMPILERS
from keras_crosspool.keras_backend import compiles_training


def resolve_compiler(choice, distribution):
    """Whether XLA compiles the training step, and why.

    Args:
        choice: str, `"auto"`, `"on"` or `"off"`.
        distribution: `Distribution`.

    Returns:
        bool, and a str.

    Raises:
        ValueError: if the choice is unknown, or XLA is asked for under a strategy.

    Example:

    >>> from keras_crosspool.distribution import ONE_DEVICE
    >>> resolve_compiler("off", ONE_DEVICE)
    (False, 'as asked')
    """
    if choice not in COMPILERS:
        raise ValueError(f"jit_compile must be one of {', '.join(COMPILERS)}. Received: {choice!r}")
    if choice == "on" and distribution.strategy:
        raise ValueError(
            "XLA does not compile training under tf.distribute: take `jit_compile=auto`, or "
            f"`strategy=one`. Received: jit_compile='on' with the strategy {distribution.name!r}"
        )
    if choice != "auto":
        return choice == "on", "as asked"
    if distribution.strategy:
        return False, "Keras does not compile under tf.distribute"
    return compiles_training(*distribution.devices)


def announce(distribution, batch_size, precision, jit_compile, gradient_accumulation=1):
    """Says on what, and how, training is going to run.

    Args:
        distribution: `Distribution`.
        batch_size: int, of all devices.
        precision: str, one of `PRECISIONS`.
        jit_compile: pair of bool and str, from `resolve_compiler`.
        gradient_accumulation: int, parts of a replica's share of a batch. Defaults to `1`.

    Raises:
        ValueError: if the batch cannot be divided among the replicas and those parts.
    """
    replicas = distribution.replicas
    if batch_size % (replicas * gradient_accumulation):
        raise ValueError(
            "The batch is divided evenly among the replicas, and each share into the parts of "
            "gradient accumulation: take a multiple of their numbers. Received: "
            f"batch_size={batch_size} for {replicas} replicas and {gradient_accumulation} parts"
        )
    logging.info(
        "strategy %s: %d replica(s), here %s, worker %d of %d",
        distribution.name,
        replicas,
        ", ".join(distribution.devices),
        distribution.rank,
        distribution.size,
    )
    logging.info("batch of %d images, %d a replica", batch_size, batch_size // replicas)
    compiled, reason = jit_compile
    logging.info("precision %s; XLA %s: %s", precision, "on" if compiled else "off", reason)
