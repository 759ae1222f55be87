"""Take an API key out of what people and tools put around it, or say what is wrong with it.

A key travels through editors, shells, ``.env`` files and secret stores. What is plainly wrapping is taken
away: blanks and line ends around it, a byte order mark, a pair of quotes, and ``NAME=`` in front, as in a
file for the environment. Anything else that cannot be in a key is rejected; the error does
not repeat it.
"""

from __future__ import annotations

import codecs
import os
import re

from hourlyclicks.errors import UsageError
from hourlyclicks.wire.key import KEY_VARIABLE, ApiKey, Secret

KEY_FORM = "an API key is 8 to 512 visible ASCII characters, without spaces or line ends"

_INVISIBLE = "\ufeff\u200b\u2060\x00"
_SHORTEST, _LONGEST = 8, 512
_NAME = r"(?a)(?:export\s+)?[A-Z_]{0,40}KEY\s*=(?!=)\s*"
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c"}
_ENCODINGS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def text_of(content: bytes) -> Secret:
    """Decode the content of a key file; Windows writes a byte order mark, and often UTF-16."""
    for mark, encoding in _ENCODINGS.items():
        if content.startswith(mark):
            return Secret(content[len(mark) :].decode(encoding, "replace"))
    return Secret(content.decode("utf-8", "replace"))


def given_key(text: str | None) -> ApiKey:
    """Return the key that is given, or else that of the environment.

    Raises:
        UsageError: there is none, or it cannot be one.
    """
    if text is None:
        text = unwrap_key(os.environ.get(KEY_VARIABLE, ""), f"the API key in {KEY_VARIABLE}") or None
    if text is None:
        raise UsageError(f"no API key: pass one, or set the environment variable {KEY_VARIABLE}")
    try:
        return ApiKey(text)
    finally:
        del text  # so that no traceback with locals shows it


def unwrap_key(text: str, where: str) -> Secret:
    """Return the key in a text; empty when there is none.

    Args:
        text: the value of a variable, or the content of a file.
        where: what that is, for the error.

    Raises:
        UsageError: the text holds something that is no key; the error does not repeat it.
    """
    text = Secret(text)
    lines = [line for line in map(_bare, text.splitlines()) if line]
    if len(lines) > 1:
        lines = [line for line in lines if not line.startswith("#")]
    if len(lines) > 1:
        raise UsageError(f"{where} has several lines; {KEY_FORM}")
    key = _unquoted(_bare(re.sub(_NAME, "", lines[0], count=1))) if lines else Secret()
    problem = _problem(key)
    if problem is not None:
        raise UsageError(f"{where} {problem}; {KEY_FORM}")
    return key


def _bare(text: str) -> Secret:
    """Take away what is around a text and cannot be seen."""
    before = None
    while text != before:
        before, text = text, Secret(text.strip().strip(_INVISIBLE))
    return Secret(text)


def _unquoted(text: str) -> Secret:
    """Take away a pair of quotes, and what they kept."""
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        return _bare(text[1:-1])
    return Secret(text)


def _problem(key: Secret) -> str | None:
    """Return what is wrong with a key, in words; an empty one is none, and nothing is wrong."""
    if not key:
        return None
    checks = {
        "has a blank in it": any(char.isspace() for char in key),
        "has a control character in it": any(ord(char) < ord(" ") or char == "\x7f" for char in key),
        "has a character in it that is not ASCII": not key.isascii(),
        "has a quotation mark at one end only": key[0] in _QUOTES or key[-1] in "\"'`",
        f"is shorter than {_SHORTEST} characters": len(key) < _SHORTEST,
        f"is longer than {_LONGEST} characters": len(key) > _LONGEST,
    }
    return next((words for words, wrong in checks.items() if wrong), None)
