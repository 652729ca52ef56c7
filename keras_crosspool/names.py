"""Names that come from the file system, as text to be printed, written and compared."""

import unicodedata


def readable(name):
    """A name of a file as valid Unicode; bytes that are not UTF-8 are shown as escapes.

    Args:
        name: str or path, as Python gives names of files.

    Returns:
        str.

    Example:

    >>> readable(b"caf\\xe9.jpg".decode("utf-8", "surrogateescape"))
    'caf\\\\udce9.jpg'
    """
    return str(name).encode("utf-8", "backslashreplace").decode()


def normalized(name):
    """A name as it is compared: readable, and its accents composed with their letters (NFC).

    macOS keeps the names of files decomposed (NFD), other systems as they were typed; both look
    the same.

    Example:

    >>> normalized("caf" + "e\\u0301") == normalized("caf\\u00e9")
    True
    """
    return unicodedata.normalize("NFC", readable(name))
