"""What `solve` says in words."""

from keras_crosspool.closed_form.solve import SolveReport
from keras_crosspool.targets.rejection import Rejection


def _report(**changed):
    known = {
        "alpha": 0.01,
        "metric": "accuracy",
        "score": 0.863,
        "interval": (0.831, 0.895),
        "same_sessions": 0.98,
        "log_loss": 0.604,
        "baseline_score": 0.793,
        "baseline_log_loss": 0.845,
        "images": 1608,
        "sessions": 520,
        "grouped_by": "found by similarity",
        "num_classes": 81,
        "seconds": 12.34,
        "rejection": Rejection("max_logit", 1.0, 0.05, 0.59, 0.765),
    }
    return str(SolveReport(**known | changed))


def test_both_scores_and_the_sessions_are_named():
    words = _report()
    assert "1608 images of 81 classes in 12.3 s" in words
    assert "other sessions (520, found by similarity)" in words
    assert "accuracy 86.3 % (83.1 to 89.5), log loss 0.604" in words
    assert "of the same sessions: 98.0 %" in words
    assert "accepts 59.0 % of others (AUROC 0.77)" in words or "AUROC 0.76" in words


def test_nothing_is_claimed_that_was_not_measured():
    nothing = float("nan")
    words = _report(score=nothing, log_loss=nothing, interval=None, same_sessions=None)
    assert "too few to cross-validate" in words
    assert "nan" not in words
    alone = _report(sessions=0, grouped_by="", same_sessions=None, rejection=None)
    assert "session" not in alone
