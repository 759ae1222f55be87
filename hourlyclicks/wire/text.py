"""Foreign text made fit to be shown.

What a server sends ends up in exceptions, logs and terminals. On its way there it is scrubbed of the API
key, stripped of everything that could steer a terminal or turn the reading direction, and cut; in this
order, since half a key behind the cut would no longer be recognised.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourlyclicks.wire.key import ApiKey

LIMIT = 200
"""How many characters of foreign text an error shows."""


def excerpt(content: bytes | str, limit: int = LIMIT, *, key: ApiKey | None = None) -> str:
    r"""Return the beginning of foreign text as one harmless line.

    Args:
        content: the text, or a body of any encoding JSON may have.
        limit: the most characters to return, escapes included.
        key: the API key, which is replaced by ``***`` should the text hold it.

    Returns:
        Printable characters only; all others are written as ``\n``, ``\x1b`` or ``\u202e``.
    """
    text = content if isinstance(content, str) else content.decode(json.detect_encoding(content), "replace")
    if key is not None:
        text = key.scrub(text)
    shown = ""
    for piece in map(_escape, text[:limit]):
        if len(shown) + len(piece) > limit:
            break
        shown += piece
    return shown


def _escape(char: str) -> str:
    """Write a character that must not be printed as a backslash sequence."""
    if char.isprintable():
        return char
    # repr() escapes what is not printable, in any plane and for halves of surrogate pairs too.
    return repr(char)[1:-1]
