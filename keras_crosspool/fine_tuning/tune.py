"""`CrossPoolClassifier.tune`: tunes the network of a solved classifier, and solves on it again."""

from keras_crosspool.closed_form.head_solver import HeadSolver
from keras_crosspool.environment import check_tensorflow_backend
from keras_crosspool.fine_tuning.fine_tune import fine_tune
from keras_crosspool.fine_tuning.tuning_model import share_tuned_weights, tuning_model


def tune(model, images, report, validation, tuning, solver, guidance):
    """Tunes the network of a classifier through a small head, then fits its own head anew.

    Args:
        model: `CrossPoolClassifier`, solved; its weights are written.
        images: `Split` or `ArrayImages` to train on.
        report: `SolveReport` of the classifier; its alpha, weights and calibration stay.
        validation: `Split` or `ArrayImages` whose best epoch is kept, or `None` for the last one.
        tuning: `FineTuningConfig`.
        solver: `SolverConfig`.
        guidance: `GuidanceConfig`.

    Returns:
        dict, metric name to its value after each epoch, of the small head.

    Raises:
        ValueError: if Keras runs on another backend than TensorFlow.
        FloatingPointError: if the loss is no longer finite.
    """
    check_tensorflow_backend("Tuning (`tune`)")
    size = tuning.tuning_size or model.image_size
    tuned = tuning_model(model, tuning.tuning_head, size, tuning.seed)
    history, _ = fine_tune(tuned, images, validation, size, tuning)
    share_tuned_weights(model)
    head = HeadSolver(images, solver, guidance)
    head.solve([model], head.adapt(model, judged=False), [report.choice])
    return history
