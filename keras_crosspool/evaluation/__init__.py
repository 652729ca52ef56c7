"""Scoring a model on labelled pictures, explaining its decisions, and plotting both."""

from keras_crosspool.evaluation.contributions import place_contributions
from keras_crosspool.evaluation.scores import predict_logits, score

__all__ = ["place_contributions", "predict_logits", "score"]
