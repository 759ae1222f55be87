"""Names and phrases that events share with what sends and shows them."""

from __future__ import annotations

from typing import Literal, TypeAlias

LOGGER = "hourlyclicks"
"""The logger of events."""

CLOCK_LOGGER = "hourlyclicks.clock"
"""The logger that warns of a `ClockSkew`."""

MUCH_FAILS = "too many requests fail; backfills wait"
"""Why backfills pause of their own accord."""

Binding: TypeAlias = Literal["rate", "concurrency", "latency", "pause"]
"""What determines when the next request may be sent, or when a run ends."""

ListName: TypeAlias = Literal["links", "groups"]
"""A list of the account."""

_SHORT = 120
"""Seconds up to which a duration is shown in seconds."""
_HOURS, _DAYS = 2 * 3600, 2 * 86_400
"""Seconds from which a duration is shown in hours, or in days."""


def waits_for(requests: int, *, killed: bool) -> str:
    """Return in words that requests of other processes are waited for."""
    of, plural = "a process that was killed" if killed else "another process", requests != 1
    number = f"{requests} requests" if plural else "a request"
    return f"{number} of {of} may still be under way"


def short_duration(seconds: float) -> str:
    """Return a duration in one unit, as a line of the log has it: ``"0.4 s"``, ``"45 s"``, ``"3.5 h"``."""
    if seconds < _SHORT:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits matter
    return difference(seconds)


def difference(seconds: float) -> str:
    """Return how far two clocks differ, in words."""
    if seconds < _HOURS:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < _DAYS else f"{seconds / 86_400:.1f} days"
