"""Models of the studies: trained once, and taken up by a study that was stopped."""

from keras_crosspool.models.directory import load_model
from keras_crosspool.training.train import train


def trained(directory, config):
    """Trains a model where it is not there.

    Args:
        directory: `pathlib.Path` of the model.
        config: `TrainingConfig`.

    Returns:
        Its `ModelMetadata`.

    Raises:
        ValueError: if a model of other options is there.
    """
    if not (directory / "model.json").is_file():
        return train(directory, config)
    metadata = load_model(directory)[1]
    # An option that the run did not know is one that came later.
    wanted, given = config.of_the_run(), metadata.arguments
    others = [name for name, value in wanted.items() if given.get(name, value) != value]
    if others:
        raise ValueError(
            "A model of other options lies there: remove it, or name other --models. "
            f"Received: {directory} with other {', '.join(others)}"
        )
    return metadata
