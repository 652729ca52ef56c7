"""What a person sees at the end of training: a short table in plain words."""

import shlex
import textwrap

from keras_crosspool.targets import TARGETS
from keras_crosspool.text import percent, points, printable

_WIDTH = 80
_BASELINE = "global average pooling"


def summary(metadata, output):
    """The outcome of a training run in a few lines of at most 80 columns.

    A path that is longer than that is not broken.

    Args:
        metadata: `ModelMetadata` of the run.
        output: path of the model directory.

    Returns:
        str, without a line break at the end.
    """
    metric, scores = TARGETS[metadata.task].metric, metadata.scores
    rows = [
        ("model", _model(metadata)),
        ("training", _images(metadata, metadata.data["train_split"])),
        ("update", _update(metadata.data.get("updates"))),
        (_words(metric), _score(metadata, metric)),
        ("compressed", _compressed(scores, metric)),
        ("baseline", _baseline(scores, metric)),
        ("cross-validated", _cross_validated(metadata, metric)),
        ("none of them", _rejection(metadata.rejection)),
        ("scheme", _scheme(scores.chosen_scheme)),
        ("stages", _stages(scores.tuning)),
        ("alpha", _alpha(scores.solved)),
        ("seconds", _seconds(scores.seconds)),
    ]
    rows = [(label, text) for label, text in rows if text]
    rows += [("directory", str(output))]
    width = max(len(label) for label, _ in rows) + 2
    lines = [_line(label, printable(text), width) for label, text in rows]
    return "\n".join([*lines, _command(_next(metadata, output), width)])


def _model(metadata):
    size = metadata.image_size
    return f"{metadata.name}, {len(metadata.class_names)} classes, {size} x {size} px"


def _images(metadata, split):
    """How many photographs of a split were used; the counts may be missing in older records."""
    used = metadata.data.get("used", {}).get(split)
    if used is None:
        return f"split {split}"
    left_out = sum(metadata.data.get("left_out", {}).get(split, {}).values())
    note = f", {left_out} left out" if left_out else ""
    return f"{used} photographs of split {split}{note}"


def _update(updates):
    """What the last update added and removed."""
    if not updates:
        return None
    done = updates[-1]
    removed = done.get("images_removed", 0)  # which older records do not say
    changed = f"{done['images_added']} photographs added" + f", {removed} removed" * bool(removed)
    parts = [f"{changed}, {done['images']} altogether"]
    for words, names in (("new", "classes_added"), ("removed", "classes_removed")):
        if done[names]:
            parts.append(f"{words}: {', '.join(done[names])}")
    if done["variance_kept"] is not None:
        kept = percent(done["variance_kept"])
        parts.append(f"the projection keeps {kept} of what one fitted to them would")
    return "; ".join(parts)


def _score(metadata, metric):
    split, score = metadata.data.get("val_split"), metadata.scores.validation.get(metric)
    if not split or score is None:
        if metadata.data.get("splits"):
            return "not measured; --val_share sets photographs aside to measure it on"
        if metadata.data.get("updates"):
            return "not measured; crosspool evaluate measures it on other photographs"
        return "not measured; --val_split names the split to measure it on"
    return f"{percent(score)} on {_images(metadata, split)}"


def _baseline(scores, metric):
    """The baseline on the same photographs, or in cross-validation where there are none."""
    if scores.baseline is None:
        return None
    tuned = ", not fine-tuned" if scores.tuning else ""
    pairs = [
        (scores.validation, scores.baseline.validation, tuned),
        (scores.cross_validated, scores.baseline.cross_validated, f"{tuned}, cross-validated"),
    ]
    for own, others, note in pairs:
        if metric in own and metric in others:
            other = percent(others[metric])
            ends = _advantage(scores) if own is scores.validation else None
            gain = points(own[metric] - others[metric], ends)
            return f"{other} by {_BASELINE}{note}; the model {gain}"
    return None


def _advantage(scores):
    """The interval of the solved model's advantage, if that model is the one that was written."""
    changed = scores.uncompressed or (scores.tuning and scores.tuning.kept_stage != "solved")
    return None if changed or scores.solved is None else scores.solved.advantage


def _compressed(scores, metric):
    """What the shorter descriptor costs."""
    if metric not in scores.uncompressed:
        return None
    before = scores.uncompressed[metric]
    cost = points(scores.validation[metric] - before)
    return f"{percent(before)} with the whole descriptor; the shorter one {cost}"


def _cross_validated(metadata, metric):
    scores = metadata.scores
    score = scores.cross_validated.get(metric)
    if score is None:
        return None
    before = ", before fine-tuning" if scores.tuning else ""
    solved, sessions = scores.solved, metadata.data.get("sessions", 0)
    found = percent(score, solved.interval)
    if not sessions:
        return f"{found} on the training photographs{before}"
    same = solved.same_sessions
    known = f"; of the same sessions {percent(same)}" if same is not None else ""
    source = metadata.data["grouped_by"]
    return f"{found} on photographs of other sessions ({sessions}, {source}){known}{before}"


def _rejection(rejection):
    return rejection and rejection.words()


def _scheme(chosen):
    return chosen and f"{chosen}, chosen by cross-validation"


def _stages(tuning):
    """How the stages of a run with fine-tuning validated, and whose weights were kept."""
    if tuning is None or tuning.kept_stage is None:
        return None
    reached = [f"{_words(stage)} {percent(score)}" for stage, score in tuning.stages.items()]
    if tuning.baseline is not None:
        gain = points(tuning.stages["tuned"] - tuning.baseline, tuning.advantage)
        other = percent(tuning.baseline)
        reached.append(f"{_BASELINE} on the tuned network {other}, the tuned model {gain}")
    return f"{', '.join(reached)}; kept: {_words(tuning.kept_stage)}"


def _alpha(solved):
    return solved and f"{solved.alpha:g}, the ridge or SVM penalty that was chosen"


def _seconds(stages):
    if not stages:
        return None
    parts = ", ".join(f"{_words(stage)} {seconds:.1f}" for stage, seconds in stages.items())
    total = f"; together {sum(stages.values()):.1f}" if len(stages) > 1 else ""
    return f"{parts}{total}"


def _next(metadata, output):
    """The words of a command that runs: the scores of each class, or else files for use."""
    split = metadata.data.get("val_split")
    if split is None:
        return ["crosspool", "export", f"--model={output}", "--output=artefacts"]
    return ["crosspool", "evaluate", f"--model={output}", f"--split={split}"]


def _words(key):
    return key.replace("_", " ")


def _line(label, text, width):
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"{label:<{width}}",
        subsequent_indent=" " * width,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _command(words, width):
    """A command that can be copied: on one line, or with a backslash at the end of each line."""
    words = [shlex.quote(printable(word)) for word in words]
    fits = width + len(" ".join(words)) <= _WIDTH
    between = " " if fits else f" \\\n{' ' * (width + 4)}"
    return f"{'next':<{width}}{between.join(words)}"
