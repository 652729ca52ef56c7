"""One way to fine-tune, kept ready in a process of its own, which trains when it is told to."""

import dataclasses
import types

import numpy as np

_WARM_UP_STEPS = 2

_ready = None  # what `prepare` made in this process


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is trained, and on what.

    Attributes:
        scheme: str, of the zoo model, trained as `fine_tune` does; `None` is the backbone with
            global average pooling and a dense layer under plain `keras.Model.fit`.
        strategy: str, one of `STRATEGIES`.
        devices: int, logical CPUs or GPUs of the process; `None` takes those there are.
        workers: int, processes that train together.
    """

    scheme: str | None
    strategy: str = "one"
    devices: int | None = None
    workers: int = 1


def prepare(setting, options, addresses=(), task_index=None):
    """Builds the model and its input, and trains the steps that build the graph.

    It is called once in a fresh process, before TensorFlow has begun to use a device.

    Args:
        setting: `Setting`.
        options: dict with `data`, `split`, `backbone`, `weights`, `image_size` and `batch_size`.
        addresses: sequence of str, `"host:port"` of each worker. Defaults to none.
        task_index: int, which of them this process is.

    Raises:
        ValueError: if an option or the data are not as expected.
    """
    global _ready
    make = _plain if setting.scheme is None else _ours
    _ready = make(setting, types.SimpleNamespace(**options), addresses, task_index)
    _ready.train(_WARM_UP_STEPS)


def train(steps):
    """Trains some steps, then reads the input alone.

    Args:
        steps: int, how many are timed, after one that fills the pipeline.

    Returns:
        Images a second of training, of all devices together, and those of the input alone.
    """
    from keras_crosspool.fine_tuning.callbacks.throughput import input_rate

    return _ready.train(steps), input_rate(_ready.batches)


@dataclasses.dataclass(frozen=True)
class _Ready:
    """A compiled model, its batches, and more callbacks that belong to its training."""

    model: object
    batches: object
    dataset: object
    callbacks: tuple = ()

    def train(self, steps):
        from keras_crosspool.fine_tuning.callbacks.throughput import Throughput

        throughput = Throughput(self.batches.plan.batch_size)
        self.model.fit(
            self.dataset,
            steps_per_epoch=steps + 1,  # the first one is not timed
            callbacks=[*self.callbacks, throughput],
            shuffle=False,
            verbose=0,
        )
        return throughput.images_per_second


def _ours(setting, options, addresses, task_index):
    """A zoo model and its batches, as `fine_tune` makes them by default."""
    from keras_crosspool.backbones import create_backbone
    from keras_crosspool.distribution import create_distribution
    from keras_crosspool.fine_tuning.batches import Batches
    from keras_crosspool.fine_tuning.callbacks.finite_loss import FiniteLoss
    from keras_crosspool.fine_tuning.precision import announce, resolve_compiler
    from keras_crosspool.fine_tuning.tuned_copy import compile_phase, copy_to_train
    from keras_crosspool.models.zoo import build_model

    tuning = _tuning(options)
    distribution = create_distribution(setting.strategy, addresses, task_index, setting.devices)
    compiler = resolve_compiler(tuning.jit_compile, distribution)
    announce(distribution, tuning.batch_size, tuning.precision, compiler)
    split, images, plan = _data(options)
    batches = Batches(split, images, plan, distribution, augmented_size=options.image_size)
    backbone = create_backbone(options.backbone, options.image_size, options.weights)
    model = build_model(backbone, len(split.class_names), setting.scheme)
    phase = types.SimpleNamespace(epochs=tuning.epochs, frozen=False)
    with distribution.scope():
        copy = copy_to_train(model, tuning, distribution)
        compile_phase(copy, split.task, phase, plan.steps, tuning, distribution)
    return _Ready(
        copy.model, batches, batches.dataset(), (FiniteLoss(batches.names, tuning.learning_rate),)
    )


def _plain(setting, options, addresses, task_index):
    """The backbone under an average and a dense layer, with a pipeline as Keras users write it.

    The images are decoded already, augmented by the same function, and BatchNormalization is
    frozen too.
    """
    import keras

    from keras_crosspool.backbones import create_backbone

    split, images, plan = _data(options)
    backbone = create_backbone(options.backbone, options.image_size, options.weights)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.model.output)
    logits = keras.layers.Dense(len(split.class_names))(pooled)
    model = keras.Model(backbone.input, logits)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    tuning = _tuning(options)
    model.compile(
        optimizer=keras.optimizers.AdamW(tuning.learning_rate),
        loss=split.task.loss(tuning.label_smoothing),
        weighted_metrics=split.task.tuning_metrics(len(split.class_names)),
    )
    dataset = _plain_dataset(split, images, plan)
    return _Ready(model, types.SimpleNamespace(dataset=lambda: dataset, plan=plan), dataset)


def _plain_dataset(split, images, plan):
    import tensorflow as tf

    from keras_crosspool.fine_tuning.augmentation import augment

    decoded = np.stack([images(index) for index in range(split.size)])
    targets = split.task.targets(split.labels, len(split.class_names))

    def augmented(number, example):
        image, target = example
        seed = tf.stack([plan.seed, number])
        return augment(image, seed, decoded.shape[1]), target

    return (
        tf.data.Dataset.from_tensor_slices((decoded, targets))
        .shuffle(split.size, plan.seed)
        .repeat()
        .enumerate()
        .map(augmented, tf.data.AUTOTUNE)
        .batch(plan.batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )


def _tuning(options):
    from keras_crosspool.config.fine_tuning_config import FineTuningConfig

    return FineTuningConfig(epochs=1, batch_size=options.batch_size)


def _data(options):
    from keras_crosspool.data import open_split
    from keras_crosspool.data.cache import open_images
    from keras_crosspool.fine_tuning.epoch_plan import EpochPlan

    split = open_split(options.data, options.split)
    plan = EpochPlan(split.size, options.batch_size, seed=0)
    return split, open_images(split, options.image_size, cache="memory"), plan
