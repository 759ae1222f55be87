"""What happens inside, told as it happens.

Progress bars, logs, metrics and tests all listen here. A hook is any callable that takes one event::

    Client(on_event=print)

It is called on the event loop, between two awaits: it must not block, and it cannot be an async function; it
may start a task. An exception in it is logged and disturbs nothing; ``KeyboardInterrupt`` and ``SystemExit``
end the program as they do elsewhere.
"""

from __future__ import annotations

import datetime as dt
import inspect
import logging
from asyncio import CancelledError
from functools import partial
from typing import Literal, Protocol, TypeAlias

import attrs

from hourlyclicks.errors import ApiError, HourlyClicksError, UsageError
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.targets import Target

_log = logging.getLogger("hourlyclicks")

Binding: TypeAlias = Literal["rate", "concurrency", "latency", "pause"]
"""What decides when the next request may leave, or when a run ends."""


@attrs.frozen(kw_only=True)
class AttemptFailed:
    """An attempt failed and will be repeated.

    Args:
        day: the day asked for.
        target: the target asked for.
        attempt: which attempt of this day it was, from 1.
        wait: seconds until the next attempt.
        error: why it failed.
    """

    day: dt.date
    target: Target
    attempt: int
    wait: float
    error: HourlyClicksError


@attrs.frozen(kw_only=True)
class ClockSkew:
    """This machine's clock and the server's differ by over five minutes; told once, until they agree again.

    Until then the earlier of the two decides whether a day is final.

    Args:
        seconds: how far this machine's clock is ahead of the ``Date`` of the answer; negative: behind it.
    """

    seconds: float


@attrs.frozen(kw_only=True)
class DayDone:
    """A day was answered.

    Args:
        day: the day.
        target: the target.
        requests: how many requests it took, refused ones included.
        final: whether its figures can no longer change.
    """

    day: dt.date
    target: Target
    requests: int
    final: bool


@attrs.frozen(kw_only=True)
class DayRevised:
    """A day was asked for again, and its figures differ from those in the store; the new ones are kept.

    Args:
        day: the day.
        target: the target.
        revision: how often its figures have changed by now, counted from 1.
    """

    day: dt.date
    target: Target
    revision: int


@attrs.frozen(kw_only=True)
class DayFailed:
    """A day was given up.

    Args:
        day: the day.
        target: the target.
        requests: how many requests were spent on it.
        error: why.
    """

    day: dt.date
    target: Target
    requests: int
    error: HourlyClicksError


@attrs.frozen(kw_only=True)
class Refused:
    """The server refused a request for now (HTTP 429, or 503 with ``Retry-After``).

    Args:
        day: the day asked for; it will be asked again and has lost no attempt.
        target: the target asked for.
        status: the HTTP status.
    """

    day: dt.date
    target: Target
    status: int


@attrs.frozen(kw_only=True)
class Paused:
    """Nothing is sent for a while, because the server refused, or because too much failed.

    Args:
        seconds: how long.
        why: in words.
    """

    seconds: float
    why: str


@attrs.frozen(kw_only=True)
class Resumed:
    """The probe after a pause was answered; the rest follows."""


@attrs.frozen(kw_only=True)
class SpacingChanged:
    """The requests are spread differently from now on.

    Args:
        interval: seconds between two requests.
        why: in words.
    """

    interval: float
    why: str


@attrs.frozen(kw_only=True)
class Progress:
    """Where a ``fetch``, ``stream`` or ``backfill`` stands; follows every day that is done or given up.

    Args:
        done: days answered so far, those that were in the store included.
        failed: days given up so far.
        total: days of the whole call, of all its targets.
        eta: seconds until its end if nothing more fails, computed from the limits.
        binding: what decides that figure.
    """

    done: int
    failed: int
    total: int
    eta: float
    binding: Binding


@attrs.frozen(kw_only=True)
class FetchCancelled:
    """A ``fetch`` was cancelled; what it had fetched is not lost.

    Args:
        target: what was fetched.
        series: the days that were answered before; the others are in `HourlySeries.missing_days`.
    """

    target: Target
    series: HourlySeries


@attrs.frozen(kw_only=True)
class TargetParked:
    """The API, or a gateway, rejects each day of a target with the same answer; no more of them are sent.

    A backfill tries one day again after a minute, and at the end of the run if anything else was answered
    since; the first answer lifts the parking. `fetch` and `stream` end with the rejection.

    Args:
        target: the target.
        days: how many days of it are not done.
        error: the rejection.
    """

    target: Target
    days: int
    error: ApiError


Event: TypeAlias = (
    AttemptFailed
    | ClockSkew
    | DayDone
    | DayFailed
    | DayRevised
    | FetchCancelled
    | Paused
    | Progress
    | Refused
    | Resumed
    | SpacingChanged
    | TargetParked
)


class Hook(Protocol):
    """A listener."""

    def __call__(self, event: Event, /) -> object:
        """Take note of an event; what is returned is ignored."""
        ...


class Dispatcher:
    """Tell the log and a hook what happens.

    Args:
        hook: the listener, if there is one.
    """

    __slots__ = ("_hook", "_warned")

    def __init__(self, hook: Hook | None) -> None:
        if hook is not None and not callable(hook):
            raise UsageError(f"on_event must be callable with an event, and {hook!r} is not")
        if _is_async(hook):
            raise UsageError(
                f"on_event cannot be the async function {hook!r}, which would never run; "
                "give a function that starts it with asyncio.create_task"
            )
        self._hook = hook
        self._warned = False

    def __bool__(self) -> bool:
        """Whether anybody listens; if not, an event need not even be made."""
        return self._hook is not None or _log.isEnabledFor(logging.DEBUG)

    def __call__(self, event: Event, /) -> None:
        """Tell."""
        _log.debug("%s", event)
        if self._hook is None:
            return
        try:
            returned = self._hook(event)
        except (Exception, CancelledError):  # noqa: BLE001 - whatever a listener does must not stop a run
            _log.exception("the event hook failed on %s", type(event).__name__)
        else:
            if returned is not None and inspect.isawaitable(returned):
                self._drop(returned)

    def _drop(self, returned: object) -> None:
        """Say once that what a hook returns is not awaited; a task runs by itself."""
        if hasattr(returned, "add_done_callback"):
            return
        if inspect.iscoroutine(returned):
            returned.close()
        if not self._warned:
            self._warned = True
            _log.warning("the event hook returns a coroutine, which is not run; let it start a task instead")


def _is_async(hook: object) -> bool:
    """Return whether calling a hook would only make a coroutine."""
    while isinstance(hook, partial):
        hook = hook.func
    return any(map(inspect.iscoroutinefunction, (hook, getattr(hook, "__call__", None))))  # noqa: B004 - its kind is asked for
