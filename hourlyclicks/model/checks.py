"""Checks of arguments, with the same wording everywhere."""

from __future__ import annotations

import datetime as dt
import math

from hourlyclicks.errors import UsageError

LONGEST_LABEL = 64
"""Characters of a label."""

LARGEST = 1e9
"""No finite amount is larger; in seconds it is about thirty years."""


def check_type(name: str, value: object, kind: type) -> None:
    """Raise `UsageError` unless the value is of that type."""
    if not isinstance(value, kind):
        raise UsageError(f"{name} must be of type {kind.__name__}, not {value!r}")


def check_text(name: str, value: object) -> None:
    """Raise `UsageError` unless the value is text that UTF-8 and every store can hold."""
    if not isinstance(value, str):
        raise UsageError(f"{name} must be of type str, not {value!r}")
    if not can_travel(value):
        raise UsageError(f"{name} must not hold the character NUL or half of a surrogate pair")


def check_name(name: str, value: object) -> None:
    """Raise `UsageError` unless the value is text that is not blank, as an unset variable would be."""
    check_text(name, value)
    if not str(value).strip():
        raise UsageError(f"{name} is empty: name it, or leave {name} out")


def check_label(name: str, value: object) -> None:
    """Raise `UsageError` unless the value is a short text that can be shown on one line."""
    check_name(name, value)
    text = str(value)
    if len(text) > LONGEST_LABEL or not text.isprintable():
        raise UsageError(f"{name} must be 1 to {LONGEST_LABEL} printable characters, not {value!r}")


def can_travel(text: str) -> bool:
    """Return whether UTF-8 and every store can represent a text."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def check_whole(name: str, value: object, *, least: int) -> None:
    """Raise `UsageError` unless the value is an int from `least`; a bool is none."""
    if type(value) is not int or value < least:
        raise UsageError(f"{name} must be a whole number from {least}, not {value!r}")


def check_amount(name: str, value: object, *, zero: bool = False, infinite: bool = False) -> None:
    """Raise `UsageError` unless the value is a positive number; `zero` and `infinite` may be let in, too."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if 0 < number <= LARGEST or (zero and number == 0) or (infinite and number == math.inf):
        return
    bounds = f"{'from' if zero else 'above'} 0 up to {LARGEST:g}{', or infinite' if infinite else ''}"
    raise UsageError(f"{name} must be a number {bounds}, not {value!r}")


def as_wait(wait: object) -> float | None:
    """Return the most seconds to wait; ``None``: any time.

    Raises:
        UsageError: that is no number from 0 on, and no timedelta.
    """
    if wait is None:
        return None
    seconds = wait.total_seconds() if isinstance(wait, dt.timedelta) else wait
    check_amount("wait", seconds, zero=True, infinite=True)
    return float(seconds)  # type: ignore[arg-type]  # a number, as was just checked
