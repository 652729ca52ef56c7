"""Which versions of the packages are installed: part of every record."""

import contextlib
import importlib.metadata

# What a trained model depends on.
MODEL_PACKAGES = (
    "keras-crosspool",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "numpy",
    "pillow",
    "scikit-learn",
)


def package_versions(*packages):
    """The versions of those packages that are installed.

    Args:
        *packages: str, their names.

    Returns:
        dict, name to version, in the order of the arguments.

    Example:

    >>> list(package_versions("numpy", "no-such-package"))
    ['numpy']
    """
    versions = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions
