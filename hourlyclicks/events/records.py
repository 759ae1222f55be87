"""Events in the log: a sentence at the level of their class, with their fields beside it.

The fields are attributes of the `logging.LogRecord`, with a prefix so that none of them is one of its own.
Each is a value that JSON has, so a formatter for structured logs takes them as they are.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.fleet_report import AccountReport
from hourlyclicks.model.priority import Lane

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from hourlyclicks.events.event import Event

PREFIX = "hourlyclicks_"
"""What the names of the fields begin with."""

_OF_ERRORS = ("code", "status", "kind")
"""Attributes of errors that are short and not secret."""


def write(log: logging.Logger, event: Event) -> None:
    """Write an event to the log."""
    log.log(event.level, event.message, extra=fields(event))


def fields(event: Event) -> dict[str, object]:
    """Return an event as the fields of a log record."""
    found: dict[str, object] = {f"{PREFIX}event": type(event).__name__}
    for name in (field.name for field in attrs.fields(type(event))):
        found.update((PREFIX + part, value) for part, value in _plain(name, getattr(event, name)))
    return found


def _plain(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield a field as values that JSON has; a series is too large, and is left out."""
    if isinstance(value, Lane):
        yield name, value.name.lower()
    elif isinstance(value, float):
        yield name, value if math.isfinite(value) else None
    elif value is None or isinstance(value, str | int):
        yield name, value
    elif isinstance(value, dt.date):
        yield name, value.isoformat()
    elif isinstance(value, HourlyClicksError):
        yield name, str(value)
        yield f"{name}_type", type(value).__name__
        for part in _OF_ERRORS:
            if hasattr(value, part):
                yield f"{name}_{part}", getattr(value, part)
    elif isinstance(value, AccountReport):
        yield "account", value.name
        yield "state", value.state.value
        yield from _plain("error", value.error)
    elif name == "target":
        yield name, str(value)
