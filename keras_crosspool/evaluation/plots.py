"""Plots of a model: training curve, confusions, average precisions, heat maps."""

import pathlib

import numpy as np

from keras_crosspool.evaluation.confusion import confusion
from keras_crosspool.evaluation.drawing import drawable, new_figure
from keras_crosspool.numerics.calibration import answered_curve, calibration_error, reliability

_MOST_BARS = 100
_MOST_OF_A_PAIR = 6  # images


def check_image_format(path):
    """Refuses a file name whose ending is no image format, before anything is computed.

    Args:
        path: path of the image to be written.

    Raises:
        ValueError: if the ending is unknown.
    """
    from matplotlib.figure import Figure

    formats = sorted(Figure().canvas.get_supported_filetypes())
    if pathlib.Path(path).suffix.lower().removeprefix(".") not in formats:
        raise ValueError(
            f"Expected a file name that ends in one of {', '.join(formats)}. Received: {path}"
        )


def metrics_of(history):
    """The metrics of a history as they are shown, the loss first: a list of str.

    Args:
        history: dict, metric to its value after each epoch, as `fine_tune` returns.

    Example:

    >>> metrics_of({"accuracy": (0.5,), "val_accuracy": (0.4,), "loss": (1.0,)})
    ['loss', 'accuracy']
    """
    names = {name.removeprefix("val_") for name in history}
    return sorted(names, key=lambda name: (name != "loss", name))


def plot_training_curve(history, path):
    """Plots the loss and the other metrics against epochs.

    Args:
        history: dict, metric to its value after each epoch, as `fine_tune` returns.
        path: path of the image to write.
    """
    metrics = metrics_of(history)
    figure, axes = new_figure(4.5 * len(metrics), 3.5, columns=len(metrics))
    for axis, metric in zip(axes[0], metrics, strict=True):
        for name, label in ((metric, "training"), (f"val_{metric}", "validation")):
            if name in history:
                values = history[name]
                axis.plot(np.arange(1, len(values) + 1), values, marker=".", label=label)
        axis.set(xlabel="epoch", ylabel=metric.replace("_", " "))
        axis.legend()
    figure.savefig(path)


def plot_confusion(logits, labels, class_names, path, coarse_names=None):
    """Plots the confusion matrix, each row a true class as shares of its images.

    Of more than 100 classes those that `confusion` chooses or groups are shown.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n,)`.
        class_names: sequence of str, in the order of the logits.
        path: path of the image to write.
        coarse_names: mapping from class to coarse class. Defaults to none.
    """
    found = confusion(logits, labels, class_names, coarse_names)
    names = [drawable(name) for name in found.names]
    side = 2 + 0.22 * len(names) + 0.1 * max(map(len, names))
    figure, axes = new_figure(side + 1, side)
    axis, ticks = axes[0, 0], np.arange(len(names)) + 0.5
    # Unlike `imshow`, this makes no copies of the whole figure in float.
    mesh = axis.pcolormesh(found.shares, vmin=0, vmax=1, cmap="Blues")
    axis.set_xticks(ticks, names, rotation=90, fontsize=7)
    axis.set_yticks(ticks, names, fontsize=7)
    axis.set(xlabel="predicted", ylabel="true", title=found.note, aspect="equal")
    axis.invert_yaxis()
    figure.colorbar(mesh, shrink=0.6, label="share of the true class")
    figure.savefig(path)


def plot_reliability(logits, labels, path):
    """Plots how often answers are right against how sure the model is, and what abstaining gives.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n,)`.
        path: path of the image to write.
    """
    from scipy.special import softmax

    confidences, right = softmax(logits, axis=1).max(axis=1), logits.argmax(axis=1) == labels
    figure, axes = new_figure(9, 4, columns=2)
    left, curve = axes[0]
    bins = reliability(confidences, right, bins=10)
    left.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="as sure as right")
    left.scatter(bins[:, 0], bins[:, 1], s=20 + 600 * bins[:, 2], alpha=0.7)
    error = calibration_error(confidences, right)
    left.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="probability of the answer",
        ylabel="share that is right",
        title=f"calibration error {error:.3f}, {len(labels)} images",
    )
    left.legend(loc="upper left")
    curve.plot(*answered_curve(confidences, right).T)
    curve.set(xlim=(0, 1), xlabel="share answered, the surest first", ylabel="share right of those")
    figure.savefig(path)


def plot_average_precisions(average_precisions, mean, path):
    """Plots the average precision of each label as a bar, the best at the top.

    Of more than 100 labels those with the lowest are shown.

    Args:
        average_precisions: dict, label to its average precision.
        mean: float, the mean average precision, a line through the bars.
        path: path of the image to write.
    """
    ranked = sorted(average_precisions.items(), key=lambda x: x[1])
    names, values = zip(*ranked[:_MOST_BARS], strict=True)
    figure, axes = new_figure(7, 1.5 + 0.16 * len(names))
    axis = axes[0, 0]
    axis.barh(range(len(names)), values, color="C0")
    axis.axvline(mean, color="C1", label=f"mean {mean:.3f}")
    axis.set_yticks(range(len(names)), map(drawable, names), fontsize=7)
    axis.set(xlim=(0, 1), ylim=(-0.7, len(names) - 0.3), xlabel="average precision")
    if len(ranked) > len(names):
        axis.set_title(f"the {len(names)} lowest of {len(ranked)} labels")
    axis.legend(loc="lower right")
    figure.savefig(path)


def most_confused(logits, labels, limit=6):
    """The pairs of classes taken for one another most often.

    Args:
        logits: float `(n, num_classes)`.
        labels: int `(n,)`.
        limit: int, the most pairs. Defaults to `6`.

    Returns:
        List of `(class, other class, indices of the images of either taken for the other)`.

    Example:

    >>> logits = np.eye(3)[[1, 0, 1, 2]]
    >>> most_confused(logits, np.array([0, 1, 1, 0]))
    [(0, 1, [0, 1]), (0, 2, [3])]
    """
    pairs = {}
    for index, (true, predicted) in enumerate(zip(labels, logits.argmax(axis=1), strict=True)):
        if true != predicted:
            pair = tuple(sorted((int(true), int(predicted))))
            pairs.setdefault(pair, []).append(index)
    ranked = sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(*pair, indices) for pair, indices in ranked[:limit]]


def plot_confused_pairs(pairs, images, labels, class_names, path):
    """A page of the most confused pairs, as up to six images taken for one another of each.

    Args:
        pairs: as `most_confused` returns; at least one.
        images: mapping from index to uint8 image `(side, side, 3)`.
        labels: int `(n,)`.
        class_names: sequence of str.
        path: path of the image to write.
    """
    width, height = 1.6 * _MOST_OF_A_PAIR, 2.0 * len(pairs)
    figure, axes = new_figure(width, height, len(pairs), _MOST_OF_A_PAIR)
    for row, (first, second, indices) in zip(axes, pairs, strict=True):
        for axis in row:
            axis.set_axis_off()
        for axis, index in zip(row, indices, strict=False):
            other = second if labels[index] == first else first
            axis.imshow(images[index])
            true, taken = (drawable(class_names[i]) for i in (labels[index], other))
            title = f"{true}\ntaken for {taken}"
            axis.set_title(title, fontsize=6)
    figure.savefig(path)


def plot_explanations(images, maps, titles, boxes, path):
    """Images under the heat maps of their classes; red speaks for a class, blue against it.

    One colour scale holds for an image's row, so its classes can be compared.

    Args:
        images: uint8 `(n, side, side, 3)`.
        maps: float `(n, shown, rows, columns)`, over the whole image, from `heat_map`.
        titles: for each image the `shown` titles, of lines that are `drawable`.
        boxes: int `(n, shown, count, 4)`, regions to outline: left, top, right, bottom in pixels.
        path: path of the image to write.
    """
    shown = maps.shape[1]
    figure, axes = new_figure(3.4 * (shown + 1), 3.6 * len(images), len(images), shown + 1)
    for row, image, *columns in zip(axes, images, maps, titles, boxes, strict=True):
        side = len(image)
        columns[0] = columns[0] * columns[0][0].size / 100  # of one percent of the image
        limit = np.abs(columns[0]).max()
        row[0].imshow(image, extent=(0, side, side, 0))
        for axis, heat, name, regions in zip(row[1:], *columns, strict=True):
            axis.imshow(image.mean(axis=2), cmap="gray", extent=(0, side, side, 0))
            drawn = axis.imshow(
                heat,
                cmap="RdBu_r",
                vmin=-limit,
                vmax=limit,
                alpha=0.6,
                extent=(0, side, side, 0),
                interpolation="bilinear",
            )
            for box in regions:
                _outline(axis, box)
            axis.set_title(name, fontsize=8)
        share = "red adds to the class's score, blue subtracts\n(logit by 1 % of the image)"
        bar = figure.colorbar(drawn, ax=row[-1], shrink=0.8)
        bar.set_label(share, fontsize=8)
        for axis in row:
            axis.set(xlim=(0, side), ylim=(side, 0))
            axis.set_axis_off()
    figure.savefig(path)


def _outline(axis, box):
    from matplotlib.patches import Rectangle

    left, top, right, bottom = box
    axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, lw=1.2))
