"""The spelling of texts that people copy."""

from __future__ import annotations

import unicodedata

import pytest

from hourlyclicks.model.spelling import composed, has_blank_ends, hidden, unescaped


@pytest.mark.parametrize(
    ("text", "char"),
    [
        ("", None),
        ("a b", None),
        ("한글 é", None),
        ("a\u2028\x85b", None),
        ("👩\u200d💻", None),
        ("نمی\u200cن", None),
        ("🏴\U000e0067\U000e0062\U000e007f", None),
        ("a\u00a0b", "\u00a0"),
        ("a\u3000b", "\u3000"),
        ("\ufeffa", "\ufeff"),
        ("a\u200b", "\u200b"),
        ("a\u00adb", "\u00ad"),
        ("a\u202eb", "\u202e"),
        ("a\u200d", "\u200d"),
        ("\u200ca", "\u200c"),
    ],
)
def test_what_cannot_be_seen_is_found(text: str, char: str | None) -> None:
    """Blanks other than a space and invisible marks, except those that join visible characters."""
    assert hidden(text) == char


@pytest.mark.parametrize(("text", "blank"), [("", False), ("a b", False), (" a", True), ("a\r\n", True)])
def test_blank_ends_are_found(text: str, *, blank: bool) -> None:
    """Those that editors and spreadsheets leave are found."""
    assert has_blank_ends(text) is blank


@pytest.mark.parametrize(
    ("text", "plain"),
    [("kYdr", None), ("100%", None), ("a%20b", None), ("%ED%95%9C", "한"), ("%ED%95", None), ("한%20", None)],
)
def test_escapes_are_seen_through(text: str, plain: str | None) -> None:
    """Only escapes of text beyond ASCII are decoded."""
    assert unescaped(text) == plain


def test_a_text_is_composed() -> None:
    """Hangul letters become syllables."""
    assert composed(unicodedata.normalize("NFD", "한글")) == "한글" == composed("한글")
