"""Accuracy of presets against what they cost."""

from benchmarks.plots.markers import MARKERS
from keras_crosspool.evaluation.drawing import new_figure, save_figure


def plot_latencies(rows, path):
    """Plots the accuracy of presets against their relative p90, and the front of both.

    Args:
        rows: list of dict, rows of `benchmarks.presets`.
        path: path of the image to write.
    """
    figure, axis = _points(rows, "p90, relative", "p90 of one image, relative")
    front = sorted((row["p90, relative"], row["accuracy"]) for row in rows if row["on the front"])
    latencies, accuracies = zip(*front, strict=True)
    axis.step(latencies, [100 * each for each in accuracies], where="post", color="0.6", zorder=0)
    save_figure(figure, path)


def plot_values(rows, path):
    """Plots the accuracy of presets against the values of their descriptors.

    Args:
        rows: list of dict, rows of `benchmarks.presets`.
        path: path of the image to write.
    """
    figure, _ = _points(rows, "values", "values of the descriptor")
    save_figure(figure, path)


def _points(rows, column, label):
    """A figure with a point a preset, and its axis."""
    figure, axes = new_figure(9, 4)
    axis = axes[0, 0]
    for index, row in enumerate(rows):
        marker = MARKERS[index % len(MARKERS)]
        axis.plot(row[column], 100 * row["accuracy"], marker, markersize=9, label=row["preset"])
    axis.set(xlabel=label, ylabel="accuracy on other photographs, %")
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure, axis
