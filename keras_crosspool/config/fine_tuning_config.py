"""Options of fine-tuning."""

import dataclasses

from keras_crosspool.config.option import option
from keras_crosspool.config.run_config import RunConfig

CLASS_BALANCES = ("none", "inverse", "effective")
BATCH_NORMS = ("frozen", "local", "synchronized")
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
COMPILERS = ("auto", "on", "off")
TUNING_HEADS = ("cross_layer", "average")
CACHES = ("auto", "memory", "disk", "none")


@dataclasses.dataclass(frozen=True)
class FineTuningConfig(RunConfig):
    """How the network of a solved model is fine-tuned, by AdamW."""

    epochs: int = option(
        0,
        "Epochs of fine-tuning after the closed-form fit; 14 are a good number. The network is "
        "tuned through a small head of its own, and the classifier solved again on it.",
        least=0,
    )
    tuning_head: str = option(
        "cross_layer",
        "What the network is tuned through: cross_layer, cross-layer pooling of 128 by 64 trained "
        "channels; average, the global average. Without a solver the classifier itself is tuned.",
        choices=TUNING_HEADS,
    )
    tuning_size: int | None = option(
        None,
        "Side in pixels of the images that the network is tuned on; seven ninths of --image_size "
        "if unset, since random crops show things larger than whole images do.",
        least=1,
    )
    tuning_dropout: float = option(
        0.3,
        "Share of values that the tuning head drops. Each device draws its own: with 0 the steps "
        "are the same on any number of devices.",
        least=0.0,
        below=1.0,
    )
    tuned_share: float = option(
        0.5,
        "Share of the tuned weights in the network that the classifier is solved on; the rest is "
        "the weights it had before. A half knows the photographs nearly as well and forgets less "
        "of what it knew; 1 takes the tuned weights alone.",
        above=0.0,
        most=1.0,
    )
    frozen_epochs: int = option(0, "Epochs that tune the head alone, before --epochs.", least=0)
    unfreeze_epochs: int = option(
        0,
        "First epochs, in which the backbone's layers start to train one after the other, the "
        "last layer first. They are a part of --epochs.",
        least=0,
    )
    learning_rate: float = option(5e-4, "Peak learning rate of fine-tuning.", least=0.0)
    rate_batch_size: int | None = option(
        None,
        "Batch for which --learning_rate is meant; for another --batch_size the rate is scaled in "
        "proportion. Not scaled if unset.",
        least=1,
    )
    first_layer_rate: float = option(
        1.0,
        "Factor on the rate for the backbone's first layer, growing to 1 at its last.",
        least=0,
        most=1,
    )
    classifier_rate: float = option(
        1.0, "Factor on the rate for the last layer, the one that gives the logits.", least=0
    )
    label_smoothing: float = option(
        0.1, "Share of a target spread over all classes.", least=0, below=1
    )
    class_balance: str = option(
        "none",
        "Weight of a class in the loss: one over its number of images (inverse) or over its "
        "effective number (effective), for skewed data.",
        choices=CLASS_BALANCES,
    )
    clip_norm: float | None = option(1.0, "Largest norm of the gradient of all weights.", above=0.0)
    gradient_accumulation: int = option(
        1, "Parts of a batch computed one after the other, to need less memory.", least=1
    )
    ema_momentum: float | None = option(
        None,
        "Momentum of a running average of the weights, such as 0.99, which is validated and kept "
        "instead of the weights.",
        above=0.0,
        below=1.0,
    )
    batch_norm: str = option(
        "frozen",
        "Statistics of BatchNormalization while fine-tuning: frozen; local, of each device's "
        "share of a batch; synchronized, of the whole batch.",
        choices=BATCH_NORMS,
    )
    precision: str = option(
        "float32",
        "Number format of fine-tuning; pooled sums, roots, norms and logits stay in float32, and "
        "so does the model that is written.",
        choices=PRECISIONS,
    )
    jit_compile: str = option(
        "auto",
        "Whether XLA compiles the training step; auto: on one GPU.",
        choices=COMPILERS,
    )
    patience: int | None = option(
        None,
        "Epochs without improvement on --val_split before stopping; the weights of the best epoch "
        "are kept then. All epochs and the last weights if unset, since the rate falls to zero.",
        least=1,
    )
    checkpoint_steps: int = option(
        100, "Steps from checkpoint to checkpoint.", least=1, of_the_run=False
    )
    cache: str = option(
        "auto",
        "Where decoded images are kept: the first that has room if auto.",
        choices=CACHES,
        of_the_run=False,
    )
    tensorboard: str | None = option(
        None, "Folder for TensorBoard logs of fine-tuning.", of_the_run=False
    )
    profile_steps: tuple[int, ...] | None = option(
        None, "First and last step that TensorBoard is to profile, as 10,20.", of_the_run=False
    )

    @property
    def peak_rate(self):
        """The learning rate at its peak, for this batch."""
        return self.learning_rate * (self.batch_size / (self.rate_batch_size or self.batch_size))

    @property
    def tunes(self):
        """Whether there is anything to tune."""
        return self.epochs + self.frozen_epochs > 0
