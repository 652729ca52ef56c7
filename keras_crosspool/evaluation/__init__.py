"""Scores a model on labelled images, explains its decisions, and plots both.

A model and images come in; scores, predictions, contributions of positions and plots go out.
`scores.py` measures, `prediction.py` predicts, `contributions.py` and `heat_map.py` explain. For
one more plot touch `plots.py`; for one more score touch the tasks in `keras_crosspool.targets`.
"""

from keras_crosspool.evaluation.contributions import position_contributions
from keras_crosspool.evaluation.scores import predict_logits, predict_logits_of_each, score

__all__ = ["position_contributions", "predict_logits", "predict_logits_of_each", "score"]
