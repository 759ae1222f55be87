"""A task: one day to be fetched, for the call of a user that needs it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import attrs

from hourlyclicks.events.context import NO_CALL, CallContext
from hourlyclicks.pacing.queue import Job
from hourlyclicks.store.freshness import Freshness

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.store.ledger import LedgerEntry

ALWAYS = Freshness(began=dt.datetime.max.replace(tzinfo=dt.UTC), refresh=True)
"""Request a day whatever the store has of it."""


def _no_spare() -> None:
    """Start no spare worker."""


class TargetBreakers(Protocol):
    """The circuit breakers of the targets of a caller; every answer is reported to them."""

    def answered(self, query: Query, sent: int) -> None:
        """Note that a day was answered."""
        ...

    def rejected(self, query: Query, error: HourlyClicksError, *, now: int, asked: dt.datetime) -> None:
        """Note that a day was rejected, or that its answer cannot be used."""
        ...

    def recorded(self, query: Query, earlier: LedgerEntry | None) -> None:
        """Note that a rejected day is in the store as failed; `earlier`: what was there before."""
        ...


@attrs.define(eq=False)
class Caller:
    """One call of a user, for which days are fetched.

    Args:
        job: what the call is to the limiter.
        freshness: which days in the store need a request.
        context: which call its events name.

    Attributes:
        breakers: its circuit breakers, if it has any.
        start_spare: called when a worker waits for anything but its own response, so that a spare worker
            works meanwhile.
        retries: requests that were sent because earlier ones had failed.
        rate_limited: requests that the server rejected because of the rate limit.
        answered: days that were answered for it.
        revised: days whose figures had changed.
    """

    job: Job
    freshness: Freshness = ALWAYS
    context: CallContext = NO_CALL
    breakers: TargetBreakers | None = None
    start_spare: Callable[[], None] = _no_spare
    retries: int = 0
    rate_limited: int = 0
    answered: int = 0
    revised: int = 0


class FetchTask:
    """A day to be fetched. A caller of the same or a higher priority that needs the same day takes it over.

    Args:
        caller: the call that it is fetched for.
        query: the day.
        runner: the asyncio task it runs in; ``None``: one that is made for it.
        again: whether it is a check, probe or witness: requested whatever the store has, and not counted.
        claims: whether no other process is to ask for the day meanwhile, since the answer is stored.

    Attributes:
        job: the job of the caller, as the limiter sees it.
        leader: the caller that led at first.
        claims: as above.
        refresh: whether any caller that waits for it needs a new answer even if the day is final.
        slot: the slot that it waits for in the queue of the limiter.
        sent: whether a request of it is in flight.
        shared: whether its runner works for its followers only.
        followers: the futures of the callers that wait for its result.
        unattended: whether the last of its followers has left while its request was in flight: the request is
            completed, and none follows it.
        keeps_slot: whether it keeps its slot when it is answered; only a range does.
    """

    __slots__ = (
        "again",
        "caller",
        "claims",
        "followers",
        "job",
        "leader",
        "query",
        "refresh",
        "runner",
        "sent",
        "shared",
        "slot",
        "unattended",
    )

    keeps_slot: bool = False

    def __init__(
        self,
        caller: Caller,
        query: Query,
        runner: asyncio.Task[object] | None = None,
        *,
        again: bool = False,
        claims: bool = True,
    ) -> None:
        self.caller = self.leader = caller
        self.job = caller.job
        self.query = query
        self.again = again
        self.claims = claims
        self.refresh = caller.freshness.refresh
        self.slot: asyncio.Future[Slot] | None = None
        self.sent = self.unattended = False
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

    @property
    def requested(self) -> FetchTask:
        """The task whose request answers this one: itself, or that of a range."""
        return self

    @property
    def members(self) -> Sequence[FetchTask]:
        """The tasks that its request answers."""
        return (self,)

    @property
    def claimed(self) -> Sequence[Query]:
        """The days to which its request comes with the claims."""
        return (self.query,) if self.claims else ()

    @property
    def followed(self) -> bool:
        """Whether a caller follows any of its members."""
        return bool(self.followers)

    def needs_request(self, entry: LedgerEntry | None, now: dt.datetime) -> bool:
        """Return whether to send a request, given what the store knows of the day by now."""
        return self.freshness.is_stale(entry, now)
