"""`keras_crosspool.tune`: tunes the network of a solved classifier, and solves on it again."""

from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.closed_form.region_branch import choice_when_tuned
from keras_crosspool.config.fine_tuning_config import FineTuningConfig
from keras_crosspool.config.guidance_config import GuidanceConfig
from keras_crosspool.config.option import split_options
from keras_crosspool.config.solver_config import SolverConfig
from keras_crosspool.data.array_images import labelled_images
from keras_crosspool.environment import check_tensorflow_backend
from keras_crosspool.fine_tuning.tuning_model import tune_network


def tune(model, x, y=None, *, report, validation_data=None, epochs=14, **options):
    """Tunes the whole network of a solved classifier, and fits the head anew on it.

    The network is trained by AdamW through a small head of cross-layer pooling, which is dropped.
    Its weights then go back towards those of before, to `tuned_share` of the way (half by default).
    Projections and classifier are then fitted to the tuned network. Alpha and calibration stay:
    cross-validation on images that shaped the features would flatter.

    Args:
        model: `CrossPoolClassifier`; its weights are written.
        x: the images that it was solved on, as `CrossPoolClassifier.solve` takes them.
        y: their labels, with images as an array alone.
        report: `SolveReport` that `solve` gave.
        validation_data: pair of images and labels, or one of the data sets that `solve` takes; the
            history tells how well the small head does on them. Defaults to none.
        epochs: int. Defaults to `14`.
        **options: fields of `FineTuningConfig`, `SolverConfig` and `GuidanceConfig` of
            `keras_crosspool.config`, such as `learning_rate=5e-4`, or `tuning_size=224`, which is
            seven ninths of the model's `image_size` by default; give those again that `solve` was
            given.

    Returns:
        dict, metric name to its value after each epoch, of the small head.

    Raises:
        ValueError: if images or labels are not as expected, or `gradient_accumulation` is asked
            for under another backend of Keras than TensorFlow.
        FloatingPointError: if the loss is no longer finite.

    Example:

    >>> report = model.solve(images, labels)  # doctest: +SKIP
    >>> history = tune(model, images, labels, report=report)  # doctest: +SKIP
    >>> history["accuracy"][-1]  # doctest: +SKIP
    0.99
    """
    configs = FineTuningConfig, SolverConfig, GuidanceConfig
    tuning, solver, guidance = split_options({"epochs": epochs, **options}, *configs)
    if tuning.gradient_accumulation > 1:
        check_tensorflow_backend("Gradient accumulation (`gradient_accumulation`)")
    images = _images(model, x, y)
    history, _ = tune_network(model, images, _validation(model, validation_data), tuning)
    head = HeadSolver(images, solver, guidance)
    head.solve([model], head.adapt_tuned(model), [choice_when_tuned(model, report.choice)])
    return history


def _images(model, x, y):
    return labelled_images(x, y, model.class_names, model.task)


def _validation(model, data):
    if data is None:
        return None
    return _images(model, *data) if isinstance(data, tuple) else _images(model, data, None)
