"""Scores against the number of photographs."""

from benchmarks.plots.markers import MARKERS
from keras_crosspool.evaluation.drawing import new_figure, save_figure


def plot_learning_curve(curves, path):
    """Plots accuracy against photographs a class, with one standard deviation over the draws.

    Args:
        curves: list of dict with `model`, `photographs_a_class`, `accuracy` and `deviation`.
        path: path of the image to write.
    """
    figure, axes = new_figure(7, 4.5)
    names = "model", "photographs_a_class", "accuracy", "deviation"
    _draw(axes[0, 0], [[row[name] for name in names] for row in curves], "accuracy, %")
    save_figure(figure, path)


def plot_learning_curves(rows, path):
    """Plots the score of each way against photographs a class, one data set beside the other.

    Args:
        rows: list of dict, rows of `benchmarks.few_photographs`.
        path: path of the image to write.
    """
    data_sets = list(dict.fromkeys(row["data"] for row in rows))
    figure, axes = new_figure(4 * len(data_sets), 3.5, 1, len(data_sets))
    names = "way", "photographs", "score", "deviation"
    for axis, data in zip(axes[0], data_sets, strict=True):
        points = [[row[name] for name in names] for row in rows if row["data"] == data]
        _draw(axis, points, "score on other photographs, %")
        axis.set_title(data, fontsize=10)
    save_figure(figure, path)


def _draw(axis, points, words):
    """Draws curves, with one standard deviation.

    Args:
        axis: matplotlib axes.
        points: list of the name of a curve, a number of photographs, the score there and its
            deviation.
        words: str, on the vertical axis.
    """
    for index, name in enumerate(dict.fromkeys(point[0] for point in points)):
        counts, scores, deviations = zip(
            *(point[1:] for point in points if point[0] == name), strict=True
        )
        axis.errorbar(
            counts,
            [100 * score for score in scores],
            [100 * deviation for deviation in deviations],
            label=name,
            color=f"C{index % 10}",
            marker=MARKERS[index % len(MARKERS)],
            capsize=3,
        )
    axis.set(xscale="log", xlabel="photographs a class", ylabel=words)
    ticks = sorted({point[1] for point in points})
    axis.set_xticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
