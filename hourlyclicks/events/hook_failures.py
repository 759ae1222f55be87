"""What hooks raise, in the log: each kind once with its traceback, and in the end how often it has happened.

A hook that always fails does so for every event, of which there are several a day: a log of 10,000 equal
tracebacks hides everything else, and writing them slows down the run.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.events.wording import LOGGER

if TYPE_CHECKING:
    from hourlyclicks.events.dispatcher import Hook
    from hourlyclicks.events.event import Event

_log = logging.getLogger(LOGGER)


class _Kind(NamedTuple):
    """Failures with one presumable cause; names and not objects, since each call may have a new hook."""

    hook: str
    event: str
    error: str


class HookFailures:
    """Log the exceptions of hooks: the first of a kind as an error, the others at DEBUG."""

    def __init__(self) -> None:
        self._seen: Counter[_Kind] = Counter()

    def record(self, hook: Hook, event: Event, error: BaseException) -> None:
        """Log an exception that a hook has raised for an event."""
        kind = _Kind(_name_of(hook), type(event).__name__, type(error).__name__)
        self._seen[kind] += 1
        if self._seen[kind] == 1:
            _log.error(
                "the event hook %s failed on %s; more of the same is logged at DEBUG",
                kind.hook,
                kind.event,
                exc_info=error,
            )
        else:
            _log.debug(
                "the event hook %s failed on %s again: %s", kind.hook, kind.event, kind.error, exc_info=error
            )

    def summarize(self) -> None:
        """Log how often each kind has happened since the last time, if more than once."""
        for kind, number in self._seen.items():
            if number > 1:
                _log.error(
                    "the event hook %s failed with %s on %d %s events",
                    kind.hook,
                    kind.error,
                    number,
                    kind.event,
                )
        self._seen.clear()


def _name_of(hook: Hook) -> str:
    """Return what a hook is called in its program; without its arguments, which may be secret."""
    named = getattr(hook, "func", hook)  # of a partial
    return str(getattr(named, "__qualname__", type(named).__qualname__))
