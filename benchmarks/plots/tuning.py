"""Scores before and after tuning."""

from keras_crosspool.evaluation.drawing import new_figure, save_figure

# Columns of a score before and after tuning, and name, offset and colour of its bars.
_TUNING_BARS = (
    ("global average", "global average, tuned", "global average", -0.2, "C7"),
    ("solved", "tuned", "cross-layer pooling", 0.2, "C0"),
)


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
    save_figure(figure, path)


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
