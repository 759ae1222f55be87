"""A question in flight, and on whose behalf it is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import attrs

from hourlyclicks.pacing.queue import Job
from hourlyclicks.store.freshness import Freshness

if TYPE_CHECKING:
    import asyncio

    from hourlyclicks.errors import ApiError
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.store.ledger import LedgerEntry

ALWAYS = Freshness(began=dt.datetime.max.replace(tzinfo=dt.UTC), refresh=True)
"""Ask for a day whatever the store has of it."""


def _no_spare() -> None:
    """Start no spare worker."""


class TargetBreakers(Protocol):
    """The circuit breakers of the targets of a caller: they are told of every answer."""

    def answered(self, query: Query, sent: int) -> None:
        """Note that a day was answered."""
        ...

    def rejected(self, query: Query, error: ApiError, *, now: int, asked: dt.datetime) -> None:
        """Note that the API has rejected a day."""
        ...

    def noted(self, query: Query, earlier: LedgerEntry | None) -> None:
        """Note that the store has a rejected day as failed."""
        ...


@attrs.define(eq=False)
class Caller:
    """On whose behalf days are asked for: one call of a user.

    Args:
        job: what the call is to the limiter.
        freshness: which days in the store need a request.

    Attributes:
        breakers: its circuit breakers, if it has any.
        start_spare: called when a worker waits for anything but its own answer, so that a spare one may work
            meanwhile.
        retries: requests that were sent because others had failed.
        answered: days that were answered for it.
        revised: days whose figures had changed.
    """

    job: Job
    freshness: Freshness = ALWAYS
    breakers: TargetBreakers | None = None
    start_spare: Callable[[], None] = _no_spare
    retries: int = 0
    answered: int = 0
    revised: int = 0


class FetchTask:
    """A day to be asked for. A caller of higher priority that wants the same day takes it over.

    Args:
        caller: on whose behalf.
        query: the day.
        runner: the task of asyncio it runs in; ``None``: one that is made for it.
        again: whether it is asked for whatever the store has, and counts for nothing but what it tells.

    Attributes:
        job: the job of the caller, as the limiter sees it.
        leader: on whose behalf at first.
        refresh: whether any caller that waits for it wants it even if the store has it for good.
        slot: what it waits for in the queue of the limiter.
        sent: whether a request was spent on it whose answer is still to come.
        shared: whether its runner works only for those that follow.
        followers: those that wait for its answer.
    """

    __slots__ = (
        "again",
        "caller",
        "followers",
        "job",
        "leader",
        "query",
        "refresh",
        "runner",
        "sent",
        "shared",
        "slot",
    )

    def __init__(
        self, caller: Caller, query: Query, runner: asyncio.Task[object] | None = None, *, again: bool = False
    ) -> None:
        self.caller = self.leader = caller
        self.job = caller.job
        self.query = query
        self.again = again
        self.refresh = caller.freshness.refresh
        self.slot: asyncio.Future[Slot] | None = None
        self.sent = False
        self.runner = runner
        self.shared = runner is None
        self.followers: set[asyncio.Future[DayClicks]] = set()

    @property
    def freshness(self) -> Freshness:
        """Which days in the store need a request by the time it gets a slot."""
        freshness = self.caller.freshness
        if self.again:
            return ALWAYS
        return freshness if freshness.refresh or not self.refresh else attrs.evolve(freshness, refresh=True)

    def needs_request(self, entry: LedgerEntry | None, now: dt.datetime) -> bool:
        """Return whether to send a request, given what the store knows of the day by now."""
        return self.freshness.is_stale(entry, now)
