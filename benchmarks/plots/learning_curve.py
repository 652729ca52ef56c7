"""Accuracy against the number of photographs."""

from benchmarks.plots.markers import MARKERS
from keras_crosspool.evaluation.drawing import new_figure


def plot_learning_curve(curves, path):
    """Plots accuracy against photographs a class, with one standard deviation over the draws.

    Args:
        curves: list of dict with `model`, `photographs_a_class`, `accuracy` and `deviation`.
        path: path of the image to write.
    """
    figure, axes = new_figure(7, 4.5)
    axis = axes[0, 0]
    for index, model in enumerate(dict.fromkeys(row["model"] for row in curves)):
        rows = [row for row in curves if row["model"] == model]
        axis.errorbar(
            [row["photographs_a_class"] for row in rows],
            [100 * row["accuracy"] for row in rows],
            [100 * row["deviation"] for row in rows],
            label=model,
            color=f"C{index % 10}",
            marker=MARKERS[index % len(MARKERS)],
            capsize=3,
        )
    axis.set(xscale="log", xlabel="photographs a class", ylabel="accuracy, %")
    ticks = sorted({row["photographs_a_class"] for row in curves})
    axis.set_xticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path)
