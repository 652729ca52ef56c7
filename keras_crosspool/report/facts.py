"""What is known of a trained model, in words: its training, its scores, what they hold for."""

from keras_crosspool.targets import MULTI_LABEL, SINGLE_LABEL, TARGETS
from keras_crosspool.text import percent, points

BASELINE = "global average pooling"
_DOES = {
    SINGLE_LABEL.name: "Tells {} classes apart",
    MULTI_LABEL.name: "Finds {} labels, any number at once,",
}
_LIMITS = {
    SINGLE_LABEL.name: "Whether an image is none of the classes is told by its logits, which is "
    "far from sure; `rejection` of model.json says how far.",
    MULTI_LABEL.name: "A label counts as found from its own probability on, in `thresholds` of "
    "model.json, chosen for the best F1 on the validation images, or by cross-validation without "
    "any. F1 scores on the same images are too high, most for labels with few images. The mean "
    "average precision needs no threshold.",
}


def purpose(metadata):
    """What a model does, what it expects and what it gives, in a few sentences."""
    size = metadata.image_size
    return (
        f"{_DOES[metadata.task].format(len(metadata.class_names))} in images of {size} x {size} "
        f"px. Expects {metadata.preprocessing}. Gives one logit a class, in the order of "
        "`class_names` in model.json."
    )


def limits(metadata):
    """What the scores of a model hold for, in a few sentences."""
    return (
        f"The scores hold for images like the validation images. {_LIMITS[metadata.task]}\nThe "
        "backbone's weights keep the licence of their source."
    )


def images_used(data):
    """How many images of each split were used, and why others were not: a list of sentences.

    Args:
        data: dict, the `data` of a `ModelMetadata`.
    """
    lines = []
    for split, used in data.get("used", {}).items():
        left_out = data["left_out"][split].items()
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out)
        lines.append(f"{used} images of `{split}` were used; left out: {reasons or 'none'}.")
    if data.get("splits"):
        lines.append(f"The folder has no splits: `{data['splits']}` says which image is in which.")
    return lines


def facts(metadata):
    """What a model was trained on and how well it does.

    Args:
        metadata: `ModelMetadata`.

    Returns:
        List of `(label, text)`, without what is not known.
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
        ("alpha", _alpha(scores)),
        ("seconds", _seconds(scores.seconds)),
    ]
    return [(label, text) for label, text in rows if text]


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
    before = f", cross-validated{scores.before_changes()}"
    pairs = [
        (scores.validation, scores.baseline.validation, not_tuned(scores)),
        (scores.cross_validated, scores.baseline.cross_validated, before),
    ]
    for own, others, note in pairs:
        if metric in own and metric in others:
            other = percent(others[metric])
            ends = _advantage(scores) if own is scores.validation else None
            gain = points(own[metric] - others[metric], ends)
            return f"{other} by {BASELINE}{note}; the model {gain}"
    return None


def _advantage(scores):
    """The interval of the solved model's advantage, if that model is the one that was written."""
    return None if scores.changed_by or scores.solved is None else scores.solved.advantage


def not_tuned(scores):
    """What to add to words on the baseline where the model was tuned and it was not."""
    return ", not fine-tuned" if "fine-tuning" in scores.changed_by else ""


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
    before = scores.before_changes()
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
        reached.append(f"{BASELINE} on the tuned network {other}, the tuned model {gain}")
    return f"{', '.join(reached)}; kept: {_words(tuning.kept_stage)}"


def _alpha(scores):
    if scores.solved is None:
        return None
    chosen = "the ridge or SVM penalty that was chosen"
    if "compression" not in scores.changed_by:
        return f"{scores.solved.alpha:g}, {chosen}"
    whole = "for the whole descriptor"
    if scores.compressed_alpha is None:  # a record of before it was kept
        return f"{scores.solved.alpha:g}, {chosen} {whole}"
    short = f"{scores.compressed_alpha:g}, {chosen} for the shorter descriptor"
    return f"{short}; {scores.solved.alpha:g} {whole}"


def _seconds(stages):
    if not stages:
        return None
    parts = ", ".join(f"{_words(stage)} {seconds:.1f}" for stage, seconds in stages.items())
    total = f"; together {sum(stages.values()):.1f}" if len(stages) > 1 else ""
    return f"{parts}{total}"


def _words(key):
    return key.replace("_", " ")
