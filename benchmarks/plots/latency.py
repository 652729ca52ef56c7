"""Accuracy against latency."""

from benchmarks.plots.markers import MARKERS
from benchmarks.table import metric_name
from keras_crosspool.evaluation.drawing import new_figure, save_figure


def plot_latency(results, path):
    """Plots accuracy against the p90 of latency; a line from p50 shows each runtime's spread.

    Args:
        results: dict, a latency result.
        path: path of the image to write.
    """
    from matplotlib.ticker import LogLocator

    figure, axes = new_figure(9, 4.5)
    axis = axes[0, 0]
    for index, row in enumerate(results["runtimes"]):
        _plot_row(axis, row, f"C{index % 10}", MARKERS[index % len(MARKERS)])
    front = sorted(
        (r["summary"]["p90_ms"], r["accuracy"]) for r in results["runtimes"] if r["pareto"]
    )
    latencies, accuracies = zip(*front, strict=True)
    axis.step(latencies, [100 * a for a in accuracies], where="post", color="0.6", zorder=0,
              label="Pareto front")  # fmt: skip
    axis.set(
        xscale="log",
        xlabel="latency of one image, ms (marker: p90, line from p50)",
        ylabel=f"{metric_name(results)}, % of {results['images']['images']} images",
        title=f"{results['machine']['cpu']}, {results['machine']['cores']} cores",
    )
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("")
    axis.margins(y=0.3)
    axis.grid(alpha=0.3, which="both")
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    save_figure(figure, path)


def _plot_row(axis, row, colour, marker):
    summary, accuracy = row["summary"], 100 * row["accuracy"]
    axis.plot((summary["p50_ms"], summary["p90_ms"]), (accuracy, accuracy), color=colour, alpha=0.4)
    axis.plot(
        summary["p90_ms"],
        accuracy,
        marker,
        color=colour,
        fillstyle="full" if row["pareto"] else "none",
        markersize=9,
        label=f"{row['name']}, {row['precision']}",
    )
