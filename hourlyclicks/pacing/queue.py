"""The priority queue: which waiting task gets the next slot.

Tasks of a higher priority go first, so that a look at one day overtakes a running backfill. Within a
priority the *jobs* take turns, a request each (round robin), however many tasks each of them has waiting, so
that a large job does not starve the others.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from hourlyclicks.model.priority import Lane

if TYPE_CHECKING:
    import asyncio
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.window import Slot

__all__ = [
    "Breakers",
    "ClaimedError",
    "HeldError",
    "Job",
    "Lane",
    "NotNeededError",
    "OverError",
    "PriorityQueue",
    "Task",
    "is_waiting",
]

T = TypeVar("T")


class OverError(Exception):
    """A job is over: it may send no more requests."""


class HeldError(Exception):
    """A day may not be sent now: the circuit breaker of its target is open, or a check is under way."""


class NotNeededError(Exception):
    """No request is needed: another process has fetched the day meanwhile, and it is in the store."""


class ClaimedError(Exception):
    """No request is allowed: another process holds the claim to the day."""


class Breakers(Protocol):
    """The circuit breakers of a job, as far as the limiter asks them.

    Attributes:
        held: how many of them keep days from being sent; reading it is cheaper than to call `holds`.
    """

    held: int

    def holds(self, query: Query) -> bool:
        """Return whether a day must not be sent now."""
        ...


class Job:
    """What one call of a user is to the limiter: its priority, and how many requests it sends.

    Args:
        lane: its priority.
        remaining: days that were not answered yet; 0 does not count in the ETA of other jobs.
        allowance: how many requests it may send.
        name: what it works on, if other processes may work on the same.

    Attributes:
        in_flight: slots it has now.
        spent: requests it has sent.
        over: whether it may send no more.
        breakers: its circuit breakers, if it has any.
        changed: the jobs of which `unsent` may have changed, if others ask how many requests it needs.
    """

    __slots__ = (
        "_days",
        "_days_per_request",
        "_needed",
        "_remaining",
        "allowance",
        "breakers",
        "changed",
        "in_flight",
        "lane",
        "name",
        "over",
        "spent",
    )

    def __init__(
        self, lane: Lane, remaining: int = 1, *, allowance: int | None = None, name: str = ""
    ) -> None:
        self.lane = lane
        self.name = name
        self.changed: set[Job] | None = None
        self._remaining = remaining
        self.in_flight = self.spent = 0
        self._days_per_request = self._days = self._needed = 1
        self.over = allowance == 0
        self.breakers: Breakers | None = None
        self.allowance = allowance

    @property
    def remaining(self) -> int:
        """Days that were not answered yet."""
        return self._remaining

    @remaining.setter
    def remaining(self, days: int) -> None:
        self._remaining = days
        if self.changed is not None:
            self.changed.add(self)

    @property
    def days_per_request(self) -> int:
        """How many days of one target a request asks for, as a rule."""
        return self._days_per_request

    @days_per_request.setter
    def days_per_request(self, days: int) -> None:
        self._days_per_request = self._days = days
        self._needed = 1

    def add_target(self, days: int) -> None:
        """Add the days of a target, of which no request asks for days of another one as well."""
        longest = self._days_per_request
        if longest > 1:
            if self._remaining <= 0:  # what came before has been answered
                self._days = self._needed = 0
            self._days += days
            self._needed += -(-days // longest)
        self.remaining += days

    def done(self) -> None:
        """Note that a day was answered or has failed."""
        self._remaining -= 1
        if self.changed is not None:
            self.changed.add(self)

    @property
    def unanswered(self) -> int:
        """The requests that are still to be answered, if none has to be repeated."""
        return -(-self._remaining * self._needed // self._days)

    @property
    def unsent(self) -> int:
        """The requests that are still to be sent, if none has to be repeated."""
        return max(0, -(-self._remaining * self._needed // self._days) - self.in_flight)

    def holds(self, query: Query) -> bool:
        """Return whether a circuit breaker keeps a day from being sent now."""
        breakers = self.breakers
        return breakers is not None and breakers.held > 0 and breakers.holds(query)


class Task(Protocol):
    """A task that waits for a slot, or has one.

    Attributes:
        job: the job that it belongs to at present.
        query: the day that it asks for.
        claimed: the days that no other process is to ask for until `Limiter.settle`.
        slot: what it waits for, while it is in the queue.
    """

    job: Job
    claimed: Sequence[Query]
    slot: asyncio.Future[Slot] | None

    @property
    def query(self) -> Query:
        """The day that it asks for; of a range the first."""
        ...

    def needs_request(self, entry: Any, now: dt.datetime) -> bool:  # noqa: ANN401 - what a shared store holds does not concern the limiter
        """Return whether to send a request, given what a shared store knows of the day by now."""
        ...


def is_waiting(task: Task) -> bool:
    """Return whether a task is in the queue and has neither a slot nor an error yet."""
    return task.slot is not None and not task.slot.done()


class PriorityQueue(Generic[T]):
    """Items that wait, in the order in which they are served.

    Attributes:
        size: how many there are.
    """

    def __init__(self) -> None:
        self.size = 0
        self._queue: dict[Lane, OrderedDict[Job, deque[T]]] = {lane: OrderedDict() for lane in Lane}

    def push(self, job: Job, item: T) -> None:
        """Add an item of a job."""
        self._queue[job.lane].setdefault(job, deque()).append(item)
        self.size += 1

    def remove(self, job: Job, item: T) -> bool:
        """Remove an item; return whether it was in the queue."""
        waiting = self._queue[job.lane].get(job)
        if waiting is None or item not in waiting:
            return False
        waiting.remove(item)
        self.size -= 1
        if not waiting:
            del self._queue[job.lane][job]
        return True

    def waiting(self, lane: Lane) -> bool:
        """Return whether anything waits in that lane."""
        return bool(self._queue[lane])

    def first(self, lane: Lane) -> T:
        """Return the item that is next in that lane."""
        return next(iter(self._queue[lane].values()))[0]

    def pop(self, lane: Lane) -> tuple[Job, T]:
        """Remove and return the next item of that lane, and its job, which goes to the end of its lane."""
        jobs = self._queue[lane]
        job, waiting = next(iter(jobs.items()))
        item = waiting.popleft()
        self.size -= 1
        if waiting:
            jobs.move_to_end(job)
        else:
            del jobs[job]
        return job, item

    def jobs(self, lane: Lane) -> Iterator[tuple[Job, int]]:
        """Yield the jobs of that lane, each with the number of its items."""
        for job, waiting in self._queue[lane].items():
            yield job, len(waiting)

    def length(self, lane: Lane) -> int:
        """Return how many items wait in that lane."""
        return sum(map(len, self._queue[lane].values()))

    def drain(self, job: Job | None = None) -> list[T]:
        """Remove and return all items, or all of one job."""
        if job is not None:
            taken = list(self._queue[job.lane].pop(job, ()))
            self.size -= len(taken)
            return taken
        items = [item for jobs in self._queue.values() for waiting in jobs.values() for item in waiting]
        for jobs in self._queue.values():
            jobs.clear()
        self.size = 0
        return items
