"""Scores of each way to a classifier from a few photographs."""

from keras_crosspool.evaluation.drawing import new_figure, save_figure


def plot_few_photographs(rows, path):
    """Plots the score of each way on each data set, with one standard deviation over the draws.

    Args:
        rows: list of dict, rows of `benchmarks.few_photographs`.
        path: path of the image to write.
    """
    kinds = list(dict.fromkeys(map(_kind, rows)))
    ways = list(dict.fromkeys(row["way"] for row in rows))
    figure, axes = new_figure(3 + 3 * len(kinds), 1 + 0.4 * len(ways), 1, len(kinds))
    for axis, kind in zip(axes[0], kinds, strict=True):
        own = {row["way"]: row for row in rows if _kind(row) == kind}
        for place, way in enumerate(way for way in ways if way in own):
            row, colour = own[way], "C0" if way.startswith("scheme 1") else "C7"
            score, deviation = 100 * row["score"], 100 * row["deviation"]
            axis.barh(place, score, xerr=deviation, color=colour, alpha=0.5, capsize=3)
            axis.text(2, place, f"{score:.1f}", va="center", fontsize=8)
        axis.set(xlim=(0, 100), xlabel="score on other photographs, %")
        axis.set_yticks(range(len(own)), own if axis is axes[0, 0] else [""] * len(own), fontsize=8)
        axis.invert_yaxis()
        axis.set_title("{}, {} photographs a class".format(*kind), fontsize=10)
        axis.grid(alpha=0.3, axis="x")
    save_figure(figure, path)


def _kind(row):
    return row["data"], row["photographs"]
