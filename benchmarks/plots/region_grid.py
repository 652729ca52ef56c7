"""Accuracy against the time of region grids."""

from benchmarks.plots.markers import MARKERS
from keras_crosspool.evaluation.drawing import new_figure, save_figure


def plot_grid_curve(record, path):
    """Plots accuracy against the time an image takes, a line of grids for each setting.

    Args:
        record: dict, results of `benchmarks.region_grid`.
        path: path of the image to write.
    """
    figure, axes = new_figure(9, 4.5)
    axis = axes[0, 0]
    settings = {(row["backbone"], row["setting"]): [] for row in record["rows"]}
    for row in record["rows"]:
        settings[row["backbone"], row["setting"]].append(row)
    for index, ((backbone, setting), rows) in enumerate(settings.items()):
        rows = sorted(rows, key=lambda row: row["ms_an_image"])
        times = [row["ms_an_image"] for row in rows]
        style = {"color": f"C{index % 10}", "marker": MARKERS[index % len(MARKERS)]}
        axis.plot(times, [100 * row["accuracy"] for row in rows],
                  label=f"{backbone}, {setting}", **style)  # fmt: skip
        axis.plot(times, [100 * row["average_accuracy"] for row in rows],
                  linestyle=":", fillstyle="none", **style)  # fmt: skip
    axis.set(
        xscale="log",
        xlabel="ms an image",
        ylabel=f"accuracy, % of {record['rows'][0]['images']} images",
        title="scheme 2 (lines) and the plain average of the regions (dotted)",
    )
    axis.xaxis.set_major_formatter("{x:g}")  # not in powers of ten
    axis.xaxis.set_minor_formatter("{x:g}")
    axis.grid(alpha=0.3, which="both")
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    save_figure(figure, path)
