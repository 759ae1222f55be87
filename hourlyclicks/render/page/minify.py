"""Style and script in fewer characters: without comments and without the blanks that mean nothing.

Names stay as they are, and so does every text in quotes. A line of the script ends where it ended, unless the
characters beside its end rule out that a statement ends there: JavaScript may end one without a semicolon.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STYLE = re.compile(
    r"""
      (?P<text> "[^"]*" )
    | (?P<gone> /\*.*?\*/ \s* | (?<=[{};,:(]) \s+ | \s+ (?=[{};,)!]) | ; \s* (?=\}) )
    | (?P<blank> \s+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_SCRIPT = re.compile(
    r"""
      (?P<text> "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` )
    | (?P<blank> (?: \s | //[^\n]* )+ )
    | (?P<word> [\w$]+ )
    | (?P<sign> . )
    """,
    re.VERBOSE,
)
_GOES_ON_AFTER = frozenset("{;,([=>&|?:")
_GOES_ON_BEFORE = frozenset(")]}.?:&|,=")


def small_style(style: str) -> str:
    """Return a style sheet with the same rules. A blank before a colon stays, since it may join selectors."""
    return _STYLE.sub(_kept, style).strip()


def _kept(match: re.Match[str]) -> str:
    return {"text": match[0], "gone": "", "blank": " "}[match.lastgroup or "text"]


def small_script(script: str) -> str:
    """Return a script of the same tokens. It may have no regular expression: its blanks would be removed."""
    return "".join(_pieces(script)).strip()


def _pieces(script: str) -> Iterator[str]:
    tokens = list(_SCRIPT.finditer(script.strip()))
    for place, token in enumerate(tokens):
        if token.lastgroup == "blank":
            yield _blank(tokens[place - 1], token, tokens[place + 1])
        else:
            yield token[0]


def _blank(before: re.Match[str], blank: re.Match[str], after: re.Match[str]) -> str:
    """Return what is left of a blank between two tokens."""
    if "\n" in blank[0]:
        return "" if before[0] in _GOES_ON_AFTER or after[0] in _GOES_ON_BEFORE else "\n"
    joined = before.lastgroup == after.lastgroup == "word" or before[0] == after[0]
    return " " if joined else ""
