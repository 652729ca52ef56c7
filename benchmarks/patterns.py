"""Names by shell-style patterns, as the flags of studies take them."""


def matching(patterns, list_names):
    """The names that fit patterns, in their order, each once.

    Args:
        patterns: list of str, such as `"*lite*"`.
        list_names: function of a pattern that gives a list of str.

    Returns:
        List of the names, and list of the patterns that no name fits.

    Example:

    >>> import keras_crosspool
    >>> matching(["global_*", "nothing"], keras_crosspool.list_models)
    (['global_average_efficientnet_lite0_224'], ['nothing'])
    """
    found = {pattern: list_names(pattern) for pattern in patterns}
    names = dict.fromkeys(name for fitting in found.values() for name in fitting)
    return list(names), [pattern for pattern, fitting in found.items() if not fitting]
