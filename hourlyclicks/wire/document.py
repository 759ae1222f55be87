"""Bytes into a JSON document, strictly.

The standard library's decoder, made strict, says what is a document and words what is not. A limit of our own
on the depth of nesting, far below the interpreter's, keeps its recursion from ending in a ``RecursionError``.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 64
"""How deep arrays and objects may nest; the API's own answers are three deep."""

_STRING = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
_PAIR = b"[]"
_ALL_SQUARE = bytes.maketrans(b"{}", _PAIR)
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")


class UnreadableError(ValueError):
    """A body that cannot be read; turned into a `DecodeError` where body and key are at hand.

    Attributes:
        problems: what is wrong, a line each.
        retryable: whether the same question may get a better answer.
    """

    def __init__(self, *problems: str, retryable: bool) -> None:
        super().__init__(*problems)
        self.problems = problems
        self.retryable = retryable


def read_loosely(body: bytes) -> Any:  # noqa: ANN401 - a JSON document is of any type
    """Return the document in a body of UTF-8, without looking how deep it nests.

    Raises:
        ValueError: it is not JSON, or not written as usual; `read_strictly` has the last word.
    """
    try:
        return _DECODER.decode(body.decode())
    except RecursionError:
        raise UnreadableError("nested too deep", retryable=False) from None


def read_strictly(body: bytes) -> Any:  # noqa: ANN401 - a JSON document is of any type
    """Return the document in a body of UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        UnreadableError: it is not JSON, nested too deeply, holds a number no computer reckons with, or an
            object with two members of one name.
    """
    text = _text(body)
    if _is_deeper_than(MAX_DEPTH, text):
        raise UnreadableError(f"nested more than {MAX_DEPTH} deep", retryable=False)
    try:
        return _STRICT_DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(_not_json(text, error), retryable=True) from None
    except UnreadableError:
        raise
    except ValueError:  # int() rejects thousands of digits, whose conversion takes quadratic time
        raise UnreadableError("a number has too many digits", retryable=False) from None


def _text(body: bytes) -> str:
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not valid {encoding} at byte {error.start}", retryable=True) from None


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    start = text.lstrip()
    if not start:
        return "the body is empty"
    if start.startswith("<"):
        return "HTML, not JSON"
    return f"not JSON: {error.msg} at character {error.pos}"


def _is_deeper_than(limit: int, text: str) -> bool:
    """Tell whether brackets nest deeper, without recursion and without looking at each of them.

    A pair of brackets with nothing in it is the innermost one; each round takes all of these out at once.
    """
    if text.count("[") + text.count("{") <= limit:
        return False
    outside = re.sub(_STRING, "", text, flags=re.DOTALL)
    brackets = outside.encode("ascii", "ignore").translate(_ALL_SQUARE, _NO_BRACKETS)
    for _ in range(limit):
        if _PAIR not in brackets:
            break
        brackets = brackets.replace(_PAIR, b"")
    return _PAIR in brackets or brackets.count(b"[") > limit


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise UnreadableError("a number is too large", retryable=False)
    return number


def _constant(name: str) -> NoReturn:
    raise UnreadableError(f"not JSON: {name}", retryable=True)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of two members of one name it is unknown which one is meant."""
    made = dict(members)
    if len(made) < len(members):
        raise UnreadableError("two members of an object have the same name", retryable=True)
    return made


_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant)
_STRICT_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant, object_pairs_hook=_object)
