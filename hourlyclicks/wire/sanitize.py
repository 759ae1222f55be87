"""Foreign text made fit to be shown.

What a server sends ends up in exceptions, logs and terminals. On its way there it is cut, scrubbed of the
API key, and stripped of everything that could steer a terminal or turn the reading direction. The cut comes
first, so that a body of a megabyte costs no more than one of a page; it leaves as much behind the limit as
the key can take, so that a key across the limit is still recognised as a whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hourlyclicks.wire import markup

if TYPE_CHECKING:
    from hourlyclicks.wire.key import ApiKey

LIMIT = 200
"""How many characters of foreign text an error shows."""

_JSON_LIMIT = 120
"""How many characters of JSON an error shows."""

_PAGE_LIMIT = 150
"""How many characters of the words of a page an error shows."""

_UNREADABLE = "\ufffd"
_STRANGE = 10
"""Of so many characters at most one is not to be read, if the whole is text."""

_WIDEST = 4
"""The bytes that a character takes at most, in any encoding of JSON."""


def excerpt(content: bytes | str, limit: int = LIMIT, *, key: ApiKey | None = None) -> str:
    r"""Return the beginning of foreign text as one harmless line.

    Args:
        content: the text, or a body of any encoding JSON may have.
        limit: the most characters to return, escapes included.
        key: the API key, which is replaced by ``***`` should the text hold it.

    Returns:
        Printable characters only; all others are written as ``\n``, ``\x1b`` or ``\u202e``.
    """
    text = _scrubbed(content, limit, key)
    shown = ""
    for piece in map(_escape, text[:limit]):
        if len(shown) + len(piece) > limit:
            break
        shown += piece
    return shown


def excerpt_of_body(body: bytes, *, key: ApiKey | None = None) -> str:
    """Return what the body of an answer says as one line to read, without the key.

    That is its beginning, in which control characters and the ends of lines become blanks. Of JSON less is
    shown, since a dump of it says little; of an HTML page its title, or else its text without tags; and of a
    body that is not text only its size.
    """
    text = _scrubbed(body, LIMIT, key)[:LIMIT]
    strange = sum(not (char.isprintable() or char.isspace()) or char == _UNREADABLE for char in text)
    if strange * _STRANGE > len(text):
        return f"{len(body):,} bytes that are no text"
    if markup.is_markup(text):
        return _excerpt_of_page(body, key) or _line(text)
    line = _line(text)
    return line[:_JSON_LIMIT] if line.startswith(("{", "[")) else line


def _excerpt_of_page(body: bytes, key: ApiKey | None) -> str:
    """Return what a page says, without the key, which tags and entities may have hidden."""
    page = _scrubbed(body, markup.REACH, key)[: markup.REACH]
    words = markup.words_of(page)
    if key is not None:
        words = key.scrub(words)
    return markup.name_of(page, _line(words)[:_PAGE_LIMIT])


def _line(text: str) -> str:
    """Return a text as one line without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _scrubbed(content: bytes | str, limit: int, key: ApiKey | None) -> str:
    """Return the beginning of foreign text without the key; it may be longer than the limit."""
    text = _beginning(content, limit if key is None else limit + key.reach)
    return text if key is None else key.scrub(text, limit)


def _beginning(content: bytes | str, most: int) -> str:
    """Return at most so many characters of a text, without looking at the rest of it."""
    if isinstance(content, str):
        return content[:most]
    encoding = json.detect_encoding(content)
    return content[: _WIDEST * (most + 1)].decode(encoding, "replace")[:most]


def _escape(char: str) -> str:
    """Write a character that must not be printed as a backslash sequence."""
    if char.isprintable():
        return char
    # repr() escapes what is not printable, in any plane and for halves of surrogate pairs too.
    return repr(char)[1:-1]
