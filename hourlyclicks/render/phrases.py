"""Figures and foreign text as words that are fit for a terminal."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import TYPE_CHECKING

from hourlyclicks.model.quantities import count
from hourlyclicks.wire.sanitize import excerpt

if TYPE_CHECKING:
    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.plans import Limits

_LINE = 1000
_LEFT_OUT = "..."

BOUND_BY: dict[Binding, str] = {
    "rate": "the rate limit",
    "concurrency": "concurrency",
    "latency": "latency",
    "pause": "a pause",
}
"""What decides how long it takes, in words."""


def safe(text: str) -> str:
    r"""Return text as one harmless line: control, ANSI and bidirectional characters become ``\x1b``."""
    return excerpt(text, _LINE)


def limits_in_words(limits: Limits) -> str:
    """Return limits in words: ``"24 requests a minute, 2 at a time"``."""
    rates = " and ".join(f"{count(rate.requests, 'request')} {_per(rate.seconds)}" for rate in limits.rates)
    return f"{rates or 'any rate'}, {limits.concurrency} at a time"


def _per(seconds: float) -> str:
    names: dict[float, str] = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}
    return names.get(seconds, f"in {seconds:g} s")


def fit(text: str, columns: int) -> str:
    """Return a line that takes at most so many columns of a terminal; what is left out becomes ``...``."""
    if sum(map(_columns, text)) <= columns:
        return text
    kept, left = "", columns - len(_LEFT_OUT)
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept += character
    return kept + _LEFT_OUT


def _columns(character: str) -> int:
    """Return how many columns a character takes; Hangul takes two."""
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def span(first: dt.date, last: dt.date) -> str:
    """Return a stretch of days: ``"2025-04-01"`` or ``"2025-04-01..2025-04-09"``."""
    return str(first) if first == last else f"{first}..{last}"


def on_the_clock(now: dt.datetime, seconds: float) -> str:
    """Return the local time after so many seconds: ``"14:05"``, with its date if that is not today's."""
    here = now.astimezone()
    try:
        then = (now + dt.timedelta(seconds=seconds)).astimezone()
    except OverflowError:
        return "after the year 9999"
    return f"{then:%H:%M}" if then.date() == here.date() else f"{then:%Y-%m-%d %H:%M}"
