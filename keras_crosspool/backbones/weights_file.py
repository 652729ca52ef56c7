"""Loads a user's Keras weights file into a network, with one clear error if it does not fit."""

import warnings
import zipfile

_BROKEN = (ValueError, KeyError, OSError, UserWarning, zipfile.BadZipFile)


def load_weights_file(model, path):
    """Loads a Keras weights file.

    Args:
        model: the `keras.Model` to fill.
        path: a `.weights.h5`, `.keras` or legacy `.h5` file of the same network.

    Raises:
        ValueError: the file is damaged, of another format or of another network.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that keep their random weights.
            warnings.filterwarnings("error", message="Skipping nested container")
            model.load_weights(path)
    except _BROKEN as error:
        reason = str(error).strip().partition("\n")[0].partition(". ")[0]
        raise ValueError(
            f"These are no weights of {model.name}: expected a .weights.h5, .keras or .h5 file "
            f"saved from the same network without its classifier ({reason}). Received: {path}"
        ) from error
