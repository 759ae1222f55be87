"""The ETA: computed from the limits, not extrapolated from the past.

With N requests allowed in a window of W seconds, c in flight at a time, and d seconds from sending to
response, n requests take at least::

    d + max over j of ( j·W + d·⌊(n - 1 - j·N) / c⌋ ),   j = 0 … ⌊(n - 1) / N⌋

`theoretical_minimum` is that figure: no client that keeps the limit is faster. `forecast` is what this
client takes: it holds a slot for W + guard + d instead of W, and may keep even spacing. It is the end that a
fresh `SlidingWindow` computes. `EtaCalculator` asks the window of a run, with all that happened to it, for
the same.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.events import Binding
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.pacing.demand import Demand
from hourlyclicks.pacing.min_distances import MinDistances, WindowSize
from hourlyclicks.pacing.window import SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.pacing.backend import LimiterBackend, Snapshot
    from hourlyclicks.pacing.breaker import BackfillBreaker
    from hourlyclicks.pacing.plans import Limits, Rate
    from hourlyclicks.pacing.queue import Job

TYPICAL_LATENCY = 0.25
"""Seconds from sending a request to its response, as long as none was measured."""

_SMOOTHING = 8
_BACKFILL = Lane.BACKFILL  # looked up once, since an enumeration takes its time for it


@attrs.frozen
class RequestPlan:
    """How requests ask for days.

    Args:
        endpoint: the version of the endpoint.
        cap: how many days one request may ask for.
    """

    endpoint: str
    cap: RangeCap


ONE_DAY = RequestPlan("v2", RangeCap(1))
"""A request for each day."""


@attrs.frozen
class Estimate:
    """What a range will cost.

    Args:
        requests: how many requests it takes if none has to be repeated.
        seconds: how long they take under the limits.
        binding: what decides that: ``"rate"``, ``"concurrency"`` or ``"latency"``.
        plan: which version of the endpoint is asked, and how many days one request may ask for.
    """

    requests: int
    seconds: float
    binding: Binding
    plan: RequestPlan = ONE_DAY

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the requests, how long they take, and why."""
        from hourlyclicks.model.notebook import as_table  # noqa: PLC0415 - for notebooks only
        from hourlyclicks.model.quantities import duration  # noqa: PLC0415 - likewise

        facts = [
            ("Requests", f"{self.requests:,}"),
            ("Takes", duration(self.seconds)),
            ("Bound by", self.binding),
            ("Days a request", f"{self.plan.cap.days:,}"),
        ]
        return as_table("Estimate", facts)


def theoretical_minimum(requests: int, rate: Rate, *, concurrency: int, latency: float) -> float:
    """Return the seconds that no client keeping this limit can go below."""
    if requests == 0:
        return 0.0
    way = round(latency * SECOND)
    # A window from sending to sending: `MinDistances` adds the latency, so that it is taken off here.
    window = WindowSize(rate.requests, round(rate.seconds * SECOND) - way)
    return (way + MinDistances([window], concurrency, low=way, high=way).least(requests - 1, way)) / SECOND


def forecast(
    requests: int, limits: Limits, *, latency: float = TYPICAL_LATENCY, plan: RequestPlan = ONE_DAY
) -> Estimate:
    """Return what that many requests will take, with nothing sent before them.

    Args:
        requests: how many.
        limits: the limits to keep.
        latency: seconds from sending a request to its response.
        plan: how the requests ask for days.
    """
    if requests == 0:
        return Estimate(0, 0.0, "latency", plan)
    end = SlidingWindow(limits).finish(requests, 0, round(latency * SECOND))
    return Estimate(requests, end.when / SECOND, end.binding, plan)


class EtaCalculator:
    """Compute when jobs will be done.

    Args:
        clock: what time it is.
        backend: what the limits allow.
        breaker: the circuit breaker of the backfills.
    """

    def __init__(self, clock: Clock, backend: LimiterBackend, breaker: BackfillBreaker) -> None:
        self._clock = clock
        self._backend = backend
        self._breaker = breaker
        self._jobs: dict[Job, int] = {}  # with what is known of their `unsent`
        self._changed: set[Job] = set()
        self._demand = [Demand() for _ in Lane]  # by lane
        self._latency = round(TYPICAL_LATENCY * SECOND)

    def enter(self, job: Job) -> None:
        """Count a job's remaining days in the ETA of the others."""
        self._jobs.setdefault(job, 0)
        job.changed = self._changed
        self._changed.add(job)

    def __contains__(self, job: Job) -> bool:
        """Return whether a job is counted."""
        return job in self._jobs

    def leave(self, job: Job) -> None:
        """Stop counting a job."""
        if job in self._jobs:
            self._demand[job.lane].add(self._jobs.pop(job), -1)
            self._changed.discard(job)
            job.changed = None

    def measured(self, latency: int) -> None:
        """Take note of the nanoseconds between a sending and its response."""
        self._latency += (latency - self._latency) // _SMOOTHING

    @property
    def latency(self) -> float:
        """The time in seconds between a sending and its response, smoothed over the last ones."""
        return self._latency / SECOND

    @property
    def opens_in(self) -> float:
        """The seconds after which a request could leave if no other waited."""
        now = self._clock.monotonic()
        return (self._backend.snapshot(now).finish(1, 0).when - now) / SECOND

    def of(self, requests: int) -> Estimate:
        """Return what so many requests will take from now on, with what was sent before them."""
        if not requests:
            return Estimate(0, 0.0, "latency")
        now = self._clock.monotonic()
        seconds, binding = _finish(self._backend.snapshot(now), requests, self._latency, now, now)
        return Estimate(requests, seconds, binding)

    def unsent(self, lane: Lane) -> int:
        """Return how many requests the jobs of a lane still need."""
        self._catch_up()
        return self._demand[lane].total

    def eta(self, job: Job, *, most: int | None = None) -> tuple[float, Binding]:
        """Compute in how many seconds a job will be done if nothing fails, and what decides it.

        Args:
            job: the job.
            most: how many requests it may still send; ``None``: all that it needs.
        """
        return self.deferred(job, most=most)()

    def deferred(
        self, job: Job, *, most: int | None = None, ahead: int = 0
    ) -> Callable[[], tuple[float, Binding]]:
        """Return a function that computes the same later, from what is known now.

        Args:
            job: the job.
            most: as above.
            ahead: how many requests go first besides those of the jobs that are counted.
        """
        latency = self._latency
        unsent = job.unsent if most is None else min(job.unsent, most)
        if not unsent:
            return partial(_last_response, latency if job.remaining else 0)
        ahead += self._backend.ahead(job)
        if len(self._jobs) > 1 or job not in self._jobs:  # as a rule it is the only one
            ahead += self._of_others(job, unsent)
        now = self._clock.monotonic()
        opens = self._breaker.opens(now) if job.lane is _BACKFILL else now
        return partial(_finish, self._backend.snapshot(now), ahead + unsent, latency, now, opens)

    # -- inside -----------------------------------------------------------------------------------------

    def _of_others(self, job: Job, unsent: int) -> int:
        """Return how many requests of other jobs are sent before a job has sent so many."""
        self._catch_up()
        own = self._jobs.get(job, 0)
        others = self._demand[job.lane].up_to(unsent) - (min(unsent, own))
        for demand in self._demand[: job.lane]:
            others += demand.total
        return others

    def _catch_up(self) -> None:
        """Take note of what the jobs need by now; most have not changed since the last time."""
        while self._changed:
            job = self._changed.pop()
            before, now = self._jobs[job], job.unsent
            if now != before:
                demand = self._demand[job.lane]
                demand.add(before, -1)
                demand.add(now)
                self._jobs[job] = now


def _last_response(latency: int) -> tuple[float, Binding]:
    return latency / SECOND, "latency"


def _finish(snapshot: Snapshot, requests: int, latency: int, now: int, opens: int) -> tuple[float, Binding]:
    moment = snapshot.finish(requests, latency, opens=opens)
    return (moment.when - now) / SECOND, moment.binding
