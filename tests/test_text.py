"""Text that is shown steers no terminal and is never endless."""

import pytest

from keras_crosspool.text import printable, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Röd päron, 梨, 🍐", "Röd päron, 梨, 🍐"),
        ("[red]pear[/red] :pear: $\\frac{$ _{", "[red]pear[/red] :pear: $\\frac{$ _{"),
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("a\r\nb\tc\x00", r"a\r\nb\tc\x00"),
        ("\x9b31m", r"\x9b31m"),  # the one-byte form of ESC [
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("a\u2028b", r"a\u2028b"),
        ("\udcff\ud800", r"\udcff\ud800"),
        ("क्\u200dष 👩\u200d🌾 梨\u3000子", "क्\u200dष 👩\u200d🌾 梨\u3000子"),
        (b"bytes", "b'bytes'"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown
    printable(text).encode()


def test_long_text_keeps_both_ends():
    text = "error: " + "x" * 10**7 + " Received: the file"
    shown = printable(text)
    assert len(shown) < 2100
    assert shown.startswith("error: xxx")
    assert shown.endswith("xxx Received: the file")
    assert f"{len(text) - 2000} characters left out" in shown
    assert shortened(text[:2000]) == text[:2000]
