"""Events: what a client does, reported to a hook.

Progress bars, logs, metrics and tests use them. A hook is any callable that takes one event::

    Client(on_event=print)

It is called on the event loop, between two awaits: it must not block, and it cannot be an async function; it
may start a task. An exception in it is logged and does not affect the run; ``KeyboardInterrupt`` and
``SystemExit`` end the program as usual.
"""

from __future__ import annotations

import datetime as dt
import inspect
import logging
from asyncio import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

import attrs

from hourlyclicks.errors import ApiError, HourlyClicksError, UsageError
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.model.fleet_report import AccountReport  # noqa: TC004 - loaded where it is used

_log = logging.getLogger("hourlyclicks")
_set = object.__setattr__  # as attrs does it for frozen classes

CLOCK_LOGGER = "hourlyclicks.clock"
"""The logger that warns of a `ClockSkew`."""

_HOURS, _DAYS = 2 * 3600, 2 * 86_400
"""Seconds from which a difference of clocks is shown in hours, or in days."""

MUCH_FAILS = "too many requests fail; backfills wait"
"""Why backfills pause of their own accord."""

Binding: TypeAlias = Literal["rate", "concurrency", "latency", "pause"]
"""What determines when the next request may be sent, or when a run ends."""

ListName: TypeAlias = Literal["links", "groups"]
"""A list of the account."""


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
    """This machine's clock and the server's differ by over five minutes; sent once, until they agree again.

    Until then, the earlier of the two determines whether a day is final.

    Args:
        seconds: how far this machine's clock is ahead of the ``Date`` of the answer; negative: behind it.
    """

    seconds: float

    @property
    def message(self) -> str:
        """The difference, and what to do, in words."""
        amount, where = _difference(abs(self.seconds)), "ahead of" if self.seconds > 0 else "behind"
        return (
            f"this machine's clock is {amount} {where} the server's: check the time of this machine;"
            " until the two agree, the earlier one decides which days are final"
        )


@attrs.frozen(kw_only=True)
class DayDone:
    """A day was answered.

    Args:
        day: the day.
        target: the target.
        requests: how many requests it took, those answered with 429 included.
        final: whether its figures can no longer change.
    """

    day: dt.date
    target: Target
    requests: int
    final: bool


@attrs.frozen(kw_only=True)
class DayRevised:
    """A day was requested again, and its figures differ from those in the store; the new ones are stored.

    Args:
        day: the day.
        target: the target.
        revision: how often its figures have changed by now, counted from 1.
    """

    day: dt.date
    target: Target
    revision: int


@attrs.frozen(kw_only=True)
class DayDiffers:
    """An audit found that the hours of a day in the store do not agree with its sum; it is provisional now.

    Args:
        day: the day.
        target: the target.
        by_hour: the clicks of its hours, added up.
        by_date: the clicks of the day, as the API computed them.
    """

    day: dt.date
    target: Target
    by_hour: int
    by_date: int


@attrs.frozen(kw_only=True)
class DayFailed:
    """A day failed after all attempts.

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
class PageRead:
    """A page of a list was read.

    Args:
        name: the list, ``"links"`` or ``"groups"``.
        page: the number of the page, from 1; the first page is read once more after the last one.
        entries: how many entries are on it.
        total: how many entries the list has by now, as the server says; ``None``: it does not say.
        reading: how often the list was begun, from 1; it is read again if it changed meanwhile.
    """

    name: ListName
    page: int
    entries: int
    total: int | None
    reading: int


@attrs.frozen(kw_only=True)
class PageAttemptFailed:
    """A request for a page of a list failed and will be repeated.

    Args:
        name: the list, ``"links"`` or ``"groups"``.
        page: the number of the page.
        attempt: which attempt it was, from 1.
        wait: seconds until the next attempt.
        error: why it failed.
    """

    name: ListName
    page: int
    attempt: int
    wait: float
    error: HourlyClicksError


@attrs.frozen(kw_only=True)
class EndpointChanged:
    """The endpoint for ranges of days is not used for a day: the server lacks it, or its figures differ.

    Args:
        endpoint: the version that is used instead.
        why: in words.
    """

    endpoint: str
    why: str


@attrs.frozen(kw_only=True)
class Refused:
    """The server rejected a request because of the rate limit (HTTP 429, or 503 with ``Retry-After``).

    Args:
        day: the day; it will be requested again and has lost no attempt.
        target: the target asked for.
        status: the HTTP status.
    """

    day: dt.date
    target: Target
    status: int


@attrs.frozen(kw_only=True)
class Paused:
    """No request is sent for a while, because of a 429 or of repeated failures.

    Args:
        seconds: how long.
        why: in words.
    """

    seconds: float
    why: str


@attrs.frozen(kw_only=True)
class Resumed:
    """The probe after a pause was answered; requests are sent as usual again."""


def waits_for(requests: int, *, killed: bool) -> str:
    """Return in words that requests of other processes are waited for."""
    of, plural = "a process that was killed" if killed else "another process", requests != 1
    number = f"{requests} requests" if plural else "a request"
    return f"{number} of {of} may still be under way"


@attrs.frozen(kw_only=True)
class SlotsHeld:
    """Requests wait for others that may still be under way, those of another process with the same store.

    As after ``kill -9``: the server may still receive them and work on them. It is sent once, when nothing
    has come of them for two seconds, or when it is known that their process has ended.

    Args:
        requests: how many there are.
        seconds: after how long the first of them counts as over at the latest.
        killed: whether their process has ended; this is only known of processes on this machine.
    """

    requests: int
    seconds: float
    killed: bool

    @property
    def why(self) -> str:
        """What is waited for, in words."""
        return waits_for(self.requests, killed=self.killed)


@attrs.frozen(kw_only=True)
class SpacingChanged:
    """The spacing of the requests changes from now on.

    Args:
        interval: seconds between two requests.
        why: in words.
    """

    interval: float
    why: str


class _Deferred:
    """Compute the attributes `eta` and `binding` when they are first read, if they were not given.

    Comparing, printing and pickling an event reads them.
    """

    __slots__ = ("_compute",)

    _compute: Callable[[], tuple[float, Binding]] | None

    if not TYPE_CHECKING:  # a type checker must go on finding misspelt attributes

        def __getattr__(self, name: str) -> object:
            """Compute both."""
            if name in {"eta", "binding"} and self._compute is not None:
                eta, binding = self._compute()
                _set(self, "eta", eta)
                _set(self, "binding", binding)
                _set(self, "_compute", None)
            return object.__getattribute__(self, name)


@attrs.frozen(kw_only=True)
class Progress(_Deferred):
    """Where a ``fetch``, ``stream`` or ``backfill`` stands; sent after every day that is done or has failed.

    Args:
        done: days answered so far, those in the store included.
        failed: days that failed so far.
        total: days of the whole call, of all its targets that are known by then.
        eta: seconds until its end if nothing more fails, computed from the limits, for these days.
        binding: what determines that figure.
    """

    done: int
    failed: int
    total: int
    eta: float
    binding: Binding

    @classmethod
    def deferred(
        cls, *, done: int, failed: int, total: int, compute: Callable[[], tuple[float, Binding]]
    ) -> Self:
        """Create an event that computes its `eta` and `binding` when they are first read."""
        event = cls.__new__(cls)
        _set(event, "done", done)
        _set(event, "failed", failed)
        _set(event, "total", total)
        _set(event, "_compute", compute)
        return event


@attrs.frozen(kw_only=True)
class FetchCancelled:
    """A ``fetch`` or a ``daily`` was cancelled; the event has the days fetched before.

    Args:
        target: the target.
        series: the days that were answered before; the others are in its `missing_days`.
    """

    target: Target
    series: HourlySeries | DailySeries


@attrs.frozen(kw_only=True)
class RangeDone:
    """Requests for the sums of a range of days have come to an end.

    Args:
        start: the first day.
        end: the last day, included.
        target: the target.
        days: how many days they have fetched; days that are asked for a second time do not count.
        requests: how many were sent.
        error: why they failed; ``None``: the last one was answered. A range that is refused is asked for
            again in shorter ones.
    """

    start: dt.date
    end: dt.date
    target: Target
    days: int
    requests: int
    error: HourlyClicksError | None = None


@attrs.frozen(kw_only=True)
class TargetParked:
    """The API, or a gateway, rejects each day of a target with the same answer; it is parked.

    A backfill sends a probe after a minute, and at the end of the run if any other day was answered since;
    after the first answer the target is no longer parked. `fetch` and `stream` end with the rejection.

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
    | DayDiffers
    | DayDone
    | DayFailed
    | DayRevised
    | EndpointChanged
    | FetchCancelled
    | PageAttemptFailed
    | PageRead
    | Paused
    | Progress
    | RangeDone
    | Refused
    | Resumed
    | SlotsHeld
    | SpacingChanged
    | TargetParked
)


@attrs.frozen(kw_only=True)
class AccountEnded:
    """An account of a fleet is done, or cannot go on.

    Args:
        report: its result.
    """

    report: AccountReport


@attrs.frozen(kw_only=True)
class FleetProgress:
    """Where a run over many accounts stands; sent at most once a second, and after each account.

    Args:
        accounts: accounts that were read so far.
        running: those of them whose days are being requested.
        held: those that another process works on.
        complete: those that are complete.
        failed: those that have ended and are not.
        days: days of all accounts that have begun.
        done: days answered so far, those in the store included.
        failed_days: days that failed so far.
        listed: whether all accounts were read.
        seconds: how long the run has taken.
    """

    accounts: int
    running: int
    held: int
    complete: int
    failed: int
    days: int
    done: int
    failed_days: int
    listed: bool
    seconds: float


FleetEvent: TypeAlias = AccountEnded | FleetProgress


def _difference(seconds: float) -> str:
    """Return how far two clocks differ, in words."""
    if seconds < _HOURS:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < _DAYS else f"{seconds / 86_400:.1f} days"


class Hook(Protocol):
    """A callable that receives events."""

    def __call__(self, event: Event, /) -> object:
        """Receive an event; the return value is ignored."""
        ...


class FleetHook(Protocol):
    """A callable that receives the events of a fleet."""

    def __call__(self, event: FleetEvent, /) -> object:
        """Receive an event; the return value is ignored."""
        ...


class Dispatcher:
    """Send events to the log and to a hook.

    Args:
        hook: the hook, if there is one.
    """

    __slots__ = ("_hook", "_warned")

    def __init__(self, hook: Hook | FleetHook | None) -> None:
        if hook is not None and not callable(hook):
            raise UsageError(f"on_event must be callable with an event, and {hook!r} is not")
        if _is_async(hook):
            raise UsageError(
                f"on_event cannot be the async function {hook!r}, which would never run; "
                "give a function that starts it with asyncio.create_task"
            )
        self._hook: Callable[[Any], object] | None = hook
        self._warned = False

    def __bool__(self) -> bool:
        """Whether an event would be received; if not, it need not be created."""
        return self._hook is not None or _log.isEnabledFor(logging.DEBUG)

    def __call__(self, event: Event | FleetEvent, /) -> None:
        """Send an event."""
        _log.debug("%s", event)
        if self._hook is None:
            return
        try:
            returned = self._hook(event)
        except (Exception, CancelledError):  # noqa: BLE001 - no exception of a hook may stop a run
            _log.exception("the event hook failed on %s", type(event).__name__)
        else:
            if returned is not None and inspect.isawaitable(returned):
                self._drop(returned)

    def _drop(self, returned: object) -> None:
        """Log once that the return value of a hook is not awaited; a task runs by itself."""
        if hasattr(returned, "add_done_callback"):
            return
        if inspect.iscoroutine(returned):
            returned.close()
        if not self._warned:
            self._warned = True
            _log.warning("the event hook returns a coroutine, which is not run; let it start a task instead")


def _is_async(hook: object) -> bool:
    """Return whether calling a hook would only create a coroutine."""
    while isinstance(hook, partial):
        hook = hook.func
    return any(map(inspect.iscoroutinefunction, (hook, getattr(hook, "__call__", None))))  # noqa: B004 - its kind is asked for
