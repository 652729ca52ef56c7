"""Plots of accuracy against time, and against the number of photographs."""

from benchmarks.table import metric_name
from keras_crosspool.evaluation.drawing import new_figure

_MARKERS = "osD^vP*Xhd"
_TUNING_MODELS = {"global average": (-0.2, "C7"), "scheme 1": (0.2, "C0")}  # place and colour


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
        rows: list of dict, rows of `benchmarks.tuning`.
        path: path of the image to write.
    """
    import numpy as np

    heads = list(dict.fromkeys((row["data"], row["tuned through"]) for row in rows))
    figure, axes = new_figure(4 * len(heads), 4, 1, len(heads))
    for axis, (data, head) in zip(axes[0], heads, strict=True):
        own = [row for row in rows if (row["data"], row["tuned through"]) == (data, head)]
        shares = sorted({row["share"] for row in own})
        whole = [len(shares) == sum(row["seed"] == each["seed"] for each in own) for row in own]
        own = [row for row, all_there in zip(own, whole, strict=True) if all_there]
        groups = {"0": ("", own)} | {
            f"{share:g}": (", tuned", [row for row in own if row["share"] == share])
            for share in shares
        }
        for place, (suffix, of_group) in enumerate(groups.values()):
            for model, (offset, colour) in _TUNING_MODELS.items():
                scores = [100 * row[f"{model}{suffix}"] for row in of_group]
                label = model if place == 0 else None
                axis.bar(
                    place + offset, np.mean(scores), 0.36, color=colour, alpha=0.5, label=label
                )
                axis.plot([place + offset] * len(scores), scores, "k.", markersize=5)
        axis.set_xticks(range(len(groups)), list(groups))
        scores = [100 * row[name + tuned] for row in own for name in _TUNING_MODELS
                  for tuned in ("", ", tuned")]  # fmt: skip
        axis.set(ylim=(min(scores) - 3, min(max(scores) + 2, 100)))
        axis.set_title(f"{data}, tuned through {head}")
        axis.set(xlabel="share of the tuned weights", ylabel="score on other photographs, %")
        axis.grid(alpha=0.3, axis="y")
    axes[0, 0].legend(fontsize=8, loc="upper left")
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
