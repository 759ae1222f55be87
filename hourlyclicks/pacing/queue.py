"""Who goes next: lanes by urgency, and turns within a lane.

Whoever waits in a more urgent lane goes first, so that a look at one day overtakes a running backfill. Within
a lane the *calls* take turns, a request each, however many each of them has waiting, so that none starves
behind a large one.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from hourlyclicks.store.freshness import Freshness

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.errors import ApiError
    from hourlyclicks.model.targets import Query
    from hourlyclicks.store.ledger import LedgerEntry

T = TypeVar("T")

ALL = Freshness(began=dt.datetime.max.replace(tzinfo=dt.UTC), refresh=True)
"""Ask for whatever the store has."""


def _nobody() -> None:
    """Stand in for nobody."""


class Lane(enum.IntEnum):
    """How urgent a call is; the smaller number goes first."""

    INTERACTIVE = 0
    """Somebody waits for it."""
    BACKFILL = 1
    """It may take hours."""


class OverError(Exception):
    """A call is over: it may send no more requests."""


class HeldError(Exception):
    """A day may not be sent at present: the circuit breaker of its target is open, or checks."""


class Breakers(Protocol):
    """The circuit breakers of a call, as those see them who send its requests.

    Attributes:
        held: how many of them keep days from being sent; a look at this is cheaper than `holds`.
    """

    held: int

    def holds(self, query: Query) -> bool:
        """Return whether a day must not be sent now."""
        ...

    def answered(self, query: Query, sent: int) -> None:
        """Note that a day was answered."""
        ...

    def rejected(self, query: Query, error: ApiError, *, now: int, asked: dt.datetime) -> None:
        """Note that the API has rejected a day."""
        ...

    def noted(self, query: Query, earlier: LedgerEntry | None) -> None:
        """Note that the store has a rejected day as failed."""
        ...


class Job:
    """One call of a user, which may take many requests.

    Args:
        lane: how urgent it is.
        remaining: days that were not answered yet; 0 counts for nobody's forecast.
        terms: what it wants of days that are in a store.
        allowance: how many requests it may send.
        job: what it works on, when other processes may work on the same.

    Attributes:
        flying: slots it has now.
        spent: requests it has sent.
        retries: those that were sent because others had failed.
        answered: days that it has got by asking.
        revised: days whose figures had changed.
        over: whether it may send no more.
        circuits: its circuit breakers, if it has any.
        stand_in: to be called when a task that works for it is held up by anything but its answer, so that
            another one may work, or stand in line, meanwhile.
    """

    __slots__ = (
        "_allowance",
        "answered",
        "circuits",
        "flying",
        "freshness",
        "job",
        "lane",
        "over",
        "remaining",
        "retries",
        "revised",
        "spent",
        "start_spare",
    )

    def __init__(
        self,
        lane: Lane,
        remaining: int = 1,
        *,
        freshness: Freshness = ALL,
        allowance: int | None = None,
        job: str = "",
    ) -> None:
        self.lane = lane
        self.job = job
        self.remaining = remaining
        self.freshness = freshness
        self.flying = self.spent = self.retries = self.answered = self.revised = 0
        self.over = allowance == 0
        self.circuits: Breakers | None = None
        self._allowance = allowance
        self.start_spare: Callable[[], None] = _nobody

    @property
    def unsent(self) -> int:
        """The days whose request is still to be sent, if none has to be repeated."""
        return max(0, self.remaining - self.flying)

    def holds(self, query: Query) -> bool:
        """Return whether a circuit breaker keeps a day from being sent now."""
        circuits = self.circuits
        return circuits is not None and circuits.held > 0 and circuits.holds(query)

    def spend(self) -> None:
        """Count a request that is sent; with the last one it may send, the call is over."""
        self.spent += 1
        if self.spent == self._allowance:
            self.over = True


class PriorityQueue(Generic[T]):
    """The tickets that wait, in the order in which they are served."""

    def __init__(self) -> None:
        self._queue: dict[Lane, OrderedDict[Job, deque[T]]] = {lane: OrderedDict() for lane in Lane}
        self._interactive = self._queue[Lane.INTERACTIVE]
        self._backfill = self._queue[Lane.BACKFILL]

    def push(self, call: Job, ticket: T) -> None:
        """Let a ticket of a call wait."""
        self._queue[call.lane].setdefault(call, deque()).append(ticket)

    def remove(self, call: Job, ticket: T) -> bool:
        """Take a ticket out of the queue; return whether it was in it."""
        waiting = self._queue[call.lane].get(call)
        if waiting is None or ticket not in waiting:
            return False
        waiting.remove(ticket)
        if not waiting:
            del self._queue[call.lane][call]
        return True

    def occupied(self) -> bool:
        """Return whether anybody waits."""
        return bool(self._interactive or self._backfill)

    def waiting(self, lane: Lane) -> bool:
        """Return whether anybody waits in that lane."""
        return bool(self._queue[lane])

    def first(self, lane: Lane) -> T:
        """Return the ticket that is next in that lane."""
        return next(iter(self._queue[lane].values()))[0]

    def pop(self, lane: Lane) -> tuple[Job, T]:
        """Take the ticket that is next in that lane, and its call, which goes to the end of the line."""
        calls = self._queue[lane]
        call, waiting = next(iter(calls.items()))
        ticket = waiting.popleft()
        if waiting:
            calls.move_to_end(call)
        else:
            del calls[call]
        return call, ticket

    def size(self, lane: Lane) -> int:
        """Return how many tickets wait in that lane."""
        return sum(map(len, self._queue[lane].values()))

    def drain(self, call: Job | None = None) -> list[T]:
        """Take all tickets, or all of one call."""
        if call is not None:
            return list(self._queue[call.lane].pop(call, ()))
        tickets = [
            ticket for calls in self._queue.values() for waiting in calls.values() for ticket in waiting
        ]
        for calls in self._queue.values():
            calls.clear()
        return tickets
