"""Likely mistakes in copied texts: blanks, invisible characters, and spellings of Hangul.

A link id may hold any character, and two ids are two links even if they print alike. Characters that were
copied by accident can only be guessed, so these functions report them, and the code that reads user input
raises an error or warns.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

BLANKS = " \t\r\n"
"""Blanks that editors, shells and spreadsheets leave around a word."""

_LONGEST = 60
_JOINERS = frozenset("\u200c\u200d")
_TAGS = range(0xE0000, 0xE0080)


def hidden(text: str) -> str | None:
    """Return the first invisible character, or blank other than a space; ``None``: there is none.

    Joiners and tags that belong to an emoji or a script do not count, unless the text begins or ends
    with a joiner. Control characters are ignored.
    """
    if text.isprintable():
        return None
    ends = {text[0], text[-1]} & _JOINERS
    return next((char for char in text if char in ends or _is_hidden(char)), None)


def _is_hidden(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Zs":
        return char != " "
    return category == "Cf" and char not in _JOINERS and ord(char) not in _TAGS


def has_blank_ends(text: str) -> bool:
    """Return whether a text begins or ends with a blank."""
    return text != text.strip(BLANKS)


def unescaped(text: str) -> str | None:
    """Decode percent-escapes in a text; ``None``: there are none beyond ASCII."""
    if "%" not in text:
        return None
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if plain == text or plain.isascii() or not text.isascii() else plain


def composed(text: str) -> str:
    """Return the text in NFC, in which texts that print alike are mostly the same."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def shortened(text: str) -> str:
    """Return a text of at most 60 characters for messages; an ellipsis stands for the rest."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
