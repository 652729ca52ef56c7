"""Equal models have one fingerprint, whatever was built before them."""

from keras_crosspool import build_model
from keras_crosspool.models.fingerprint import model_fingerprint


def test_equal_models_built_in_one_process(backbone):
    options = {"window_size": 3, "feature_channels": 6, "guidance_channels": 24}
    first, second = (build_model(backbone, 5, **options) for _ in range(2))
    assert model_fingerprint(first) != model_fingerprint(second)
    second.set_weights(first.get_weights())
    assert model_fingerprint(first) == model_fingerprint(second)
