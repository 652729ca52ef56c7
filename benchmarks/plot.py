"""Plots of accuracy against time, and against the number of photographs."""

from benchmarks.table import metric_name
from keras_crosspool.evaluation.drawing import new_figure

_MARKERS = "osD^vP*Xhd"
# Columns of a score before and after tuning, and name, offset and colour of its bars.
_TUNING_BARS = (
    ("global average", "global average, tuned", "global average", -0.2, "C7"),
    ("solved", "tuned", "cross-layer pooling", 0.2, "C0"),
)


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
        _plot_row(axis, row, f"C{index % 10}", _MARKERS[index % len(_MARKERS)])
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
    figure.savefig(path)


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
        style = {"color": f"C{index % 10}", "marker": _MARKERS[index % len(_MARKERS)]}
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
    figure.savefig(path)


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
            marker=_MARKERS[index % len(_MARKERS)],
            capsize=3,
        )
    axis.set(xscale="log", xlabel="photographs a class", ylabel="accuracy, %")
    ticks = sorted({row["photographs_a_class"] for row in curves})
    axis.set_xticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path)


def plot_tuning(rows, path):
    """Plots the scores of each data set and share of tuned weights: a point a seed, a bar the mean.

    Args:
        rows: list of dict, rows of `benchmarks.tuning`; those of the sum of seeds are left out.
        path: path of the image to write.
    """

    rows = [row for row in rows if row["seed"] != "sum"]
    kinds = list(dict.fromkeys(map(_tuning_kind, rows)))
    figure, axes = new_figure(4 * len(kinds), 4, 1, len(kinds))
    for axis, kind in zip(axes[0], kinds, strict=True):
        own = _of_every_share([row for row in rows if _tuning_kind(row) == kind])
        data, head, scheme = kind
        shares = [0.0, *sorted({row["share"] for row in own})]
        for bars in _TUNING_BARS:
            _plot_shares(axis, own, shares, *bars)
        axis.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
        lowest = 100 * min(row[column] for row in own for bar in _TUNING_BARS for column in bar[:2])
        axis.set(ylim=(lowest - 3, 100))
        axis.set_title(f"{data}\n{scheme}, tuned through {head}", fontsize=10)
        axis.set(xlabel="share of the tuned weights", ylabel="score on other photographs, %")
        axis.grid(alpha=0.3, axis="y")
    axes[0, 0].legend(fontsize=8, loc="upper left")
    figure.savefig(path)


def _tuning_kind(row):
    return row["data"], row["tuned through"], row["scheme"]


def _of_every_share(rows):
    """The rows of seeds that have one for every share: the bars are means of the same seeds."""
    shares = {row["share"] for row in rows}
    seeds = [row["seed"] for row in rows]
    return [row for row in rows if seeds.count(row["seed"]) == len(shares)]


def _plot_shares(axis, rows, shares, before, after, name, offset, colour):
    import numpy as np

    scores = [[100 * row[before] for row in rows]] + [
        [100 * row[after] for row in rows if row["share"] == share] for share in shares[1:]
    ]
    places = np.arange(len(shares)) + offset
    means = [np.mean(each) for each in scores]
    axis.bar(places, means, 0.36, color=colour, alpha=0.5, label=name)
    for place, each in zip(places, scores, strict=True):
        axis.plot([place] * len(each), each, "k.", markersize=5)


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
        marker = _MARKERS[index % len(_MARKERS)]
        axis.plot(*zip(*own, strict=True), marker=marker, color=f"C{index % 10}", label=model)
    ticks = sorted({row["values"] for row in rows})
    axis.set(xscale="log", xlabel="values of the descriptor")
    axis.set(ylabel="score on other photographs, %")
    axis.set_xticks(ticks, ticks)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path)


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
