"""Time and peak memory of the second-order layers against their published formulations.

Random maps go through each layer and through the formulation of its paper, written in `keras.ops`
(`published.py`), both without normalisation. The two take turns, round by round, forward and then
with the gradients of the maps. A ratio above one means that the layer is faster, or takes less
memory. Ratios of time are of medians, with their 95 % intervals over rounds; a row is unstable
where the ratios of its rounds vary by more than 15 %. Peak memory is what one forward and backward
pass adds to a process of its own.

    python -m benchmarks.heads
    python -m benchmarks.heads --shapes=1x7x64x64 --units=512 --rounds=3 --output=heads.json
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from absl import flags

from keras_crosspool.mains import run

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "shapes",
    ["1x28x512x512", "1x14x512x512"],
    "Maps, as BATCHxSIDExFEATURESxGUIDANCE: images, positions a side, channels of the two maps.",
)
flags.DEFINE_integer("units", 8192, "Length of sketches and projections.", 1)
flags.DEFINE_integer("rounds", 10, "Rounds that are timed.", 2)
flags.DEFINE_integer("warm_up", 2, "Rounds before them that are not; the first compiles.", 1)
flags.DEFINE_string("layers", "", "Part of the names of the layers to measure; all if empty.")
flags.DEFINE_string("output", "benchmarks/results/heads.json", "JSON file to write.")


def main(_):
    from benchmarks.heads.contests import CONTESTS
    from benchmarks.layers.backends import current_backend
    from benchmarks.layers.layer_shape import LayerShape
    from benchmarks.record import write_record
    from benchmarks.table import rows_table
    from keras_crosspool.progress import track

    shapes = [LayerShape.parse(text) for text in FLAGS.shapes]
    contests = [i for i, c in enumerate(CONTESTS) if FLAGS.layers in c.layer_name]
    if not shapes or not contests:
        raise ValueError(
            f"--shapes must not be empty, and --layers a part of the name of one of "
            f"{', '.join(sorted({c.layer_name for c in CONTESTS}))}. "
            f"Received: --shapes={','.join(FLAGS.shapes)} --layers={FLAGS.layers}"
        )
    pairs = [(shape, i) for shape in shapes for i in contests]
    # Memory first: this process is still small, and the others do not share the machine with it.
    memory = [_peaks(shape, i) for shape, i in track(pairs, "memory")]
    rows = [
        _row(shape, CONTESTS[i], peaks)
        for (shape, i), peaks in zip(track(pairs, "timing"), memory, strict=True)
    ]
    backend = current_backend()
    where = f"Random maps, descriptors of {FLAGS.units} values where that can be chosen"
    record = {"data": f"{where}; {backend.name} on {backend.device}", "rows": rows}
    record |= {"rounds": FLAGS.rounds, "units": FLAGS.units}
    print(f"{rows_table(rows)}\n{record['data']}")  # before an unstable row is refused
    write_record(FLAGS.output, record)
    print(f"written: {FLAGS.output}")


def _row(shape, contest, peaks):
    import numpy as np

    from benchmarks.heads.measuring import seconds
    from benchmarks.latency.statistics import coefficient_of_variation, ratio_of_quantiles, verdict

    row = {
        "layer": contest.layer_name,
        "against": contest.published_name,
        "maps": f"{shape.batch} x {shape.side} x {shape.side}, {shape.features}, {shape.guidance}",
    }
    times = seconds(contest.build(shape, FLAGS.units), FLAGS.warm_up, FLAGS.rounds)
    variations = []
    for part, (own, other) in times.items():
        ratio = ratio_of_quantiles(other, own, paired=True)
        row |= {f"{part} ms": 1e3 * float(np.median(own)), f"{part} ratio": ratio["ratio"]}
        row |= {f"{part} from": ratio["low"], f"{part} up to": ratio["high"]}
        variations.append(coefficient_of_variation(np.divide(other, own)))
    row |= {"peak MB": peaks[0] / 1e6, "peak ratio": peaks[1] / peaks[0]}
    return {**row, "verdict": verdict(max(variations))}


def _peaks(shape, contest):
    """Bytes that a layer and its formulation add, each in a fresh process."""
    from benchmarks.heads.measuring import added_bytes

    # Keras is imported by now, and nothing has run in it.
    context, peaks = multiprocessing.get_context("fork"), []
    for which in (0, 1):
        with ProcessPoolExecutor(1, context) as process:
            peaks.append(process.submit(added_bytes, shape, contest, which, FLAGS.units).result())
    return peaks


if __name__ == "__main__":
    run(main)
