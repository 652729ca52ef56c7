"""Scores against the values of a descriptor."""

from benchmarks.plots.markers import MARKERS
from keras_crosspool.evaluation.drawing import new_figure, save_figure


def plot_compression(rows, path):
    """Plots the score of each model against the values of its descriptor.

    Args:
        rows: list of dict, rows of `benchmarks.compression`.
        path: path of the image to write.
    """
    figure, axes = new_figure(6, 4)
    axis = axes[0, 0]
    for index, model in enumerate(dict.fromkeys(row["model"] for row in rows)):
        own = sorted((row["values"], 100 * row["score"]) for row in rows if row["model"] == model)
        marker = MARKERS[index % len(MARKERS)]
        axis.plot(*zip(*own, strict=True), marker=marker, color=f"C{index % 10}", label=model)
    ticks = sorted({row["values"] for row in rows})
    axis.set(xscale="log", xlabel="values of the descriptor")
    axis.set(ylabel="score on other photographs, %")
    axis.set_xticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    save_figure(figure, path)
