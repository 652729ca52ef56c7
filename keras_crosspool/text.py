"""Text as it is shown: the names of a user's files and classes may hold anything."""

_MOST_SHOWN = 2000  # characters
# Not printable by Python's tables, and yet part of words and emoji: the joiners, the wide space.
_HARMLESS = " \u200c\u200d\u3000"


def printable(text):
    r"""Text that does nothing but be read: no control character reaches a terminal or a log.

    Args:
        text: str, or what `str` makes one of; of more than 2000 characters the middle is left out.

    Returns:
        str of one line; control characters, line breaks, direction marks and the bytes of names
        that are not UTF-8 stand as their escapes.

    Example:

    >>> printable("p\x1b[31mear\n\udcff")
    'p\\x1b[31mear\\n\\udcff'
    """
    return "".join(
        character if character.isprintable() or character in _HARMLESS else _escaped(character)
        for character in shortened(text)
    )


def shortened(text, limit=_MOST_SHOWN):
    """Text with its beginning and its end, the middle left out where it is longer than a limit.

    Args:
        text: str, or what `str` makes one of.
        limit: int, characters. Defaults to `2000`.

    Returns:
        str.

    Example:

    >>> shortened("a" * 6 + "z" * 6, limit=4)
    'aa ... 8 characters left out ... zz'
    """
    text = str(text)
    if len(text) <= limit:
        return text
    first = limit // 2
    last = limit - first
    return f"{text[:first]} ... {len(text) - limit} characters left out ... {text[-last:]}"


def percent(score, interval=None):
    """A share as a person reads it, with its 95 % interval where there is one.

    Example:

    >>> percent(0.82813), percent(0.82813, (0.79, 0.868))
    ('82.8 %', '82.8 % (79.0 to 86.8)')
    """
    found = f"{100 * score:.1f} %"
    if interval is None:
        return found
    return f"{found} ({share_range(interval)})"


def share_range(interval):
    """The ends of an interval of a share as a person reads them, within 0 and 100 %.

    Example:

    >>> share_range((0.79, 1.02))
    '79.0 to 100.0'
    """
    low, high = (100 * min(max(end, 0), 1) for end in interval)
    return f"{low:.1f} to {high:.1f}"


def points(difference, interval=None):
    """A difference of shares as a person reads it, with its 95 % interval where there is one.

    Example:

    >>> points(0.042), points(-0.004, (-0.021, 0.013))
    ('+4.2 points', '-0.4 points (-2.1 to +1.3)')
    """
    found = f"{100 * difference:+.1f} points"
    if interval is None:
        return found
    low, high = (100 * end for end in interval)
    return f"{found} ({low:+.1f} to {high:+.1f})"


def _escaped(character):
    return character.encode("unicode_escape").decode("ascii")
