"""The requests of the circuit breakers of a call: days that wait, checks, probes and witnesses.

What they decide, and why, is in `hourlyclicks.jobs.parking` and the modules it names.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.jobs.confirmer import Confirmer
from hourlyclicks.jobs.parking import Parking
from hourlyclicks.jobs.witnesses import Witnesses
from hourlyclicks.pacing.queue import HeldError, OverError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.breaker_listener import BreakerListener
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query, Target


class ParkedError(Exception):
    """A day was not sent, since its target is parked.

    Attributes:
        error: why.
    """

    def __init__(self, error: HourlyClicksError) -> None:
        self.error = error


class Circuit:
    """Fetch the days of one call through its circuit breakers.

    Args:
        ranges: the days of each target of the call.
        newest_first: whether it requests the last of them first.
        caller: the call.
        listener: counts what the breakers decide.
        services: the parts of the client.

    Attributes:
        parking: the circuit breakers.
        fetched_early: days that a check, probe or witness has fetched already; each is returned once.
    """

    def __init__(
        self,
        ranges: Mapping[Target, DateRange],
        *,
        newest_first: bool,
        caller: Caller,
        listener: BreakerListener,
        services: Services,
    ) -> None:
        self.parking = Parking(keeps=services.cache is not None)
        caller.breakers = caller.job.breakers = self.parking
        self.fetched_early: dict[Query, DayClicks] = {}
        self._caller = caller
        self._listener = listener
        self._single_flight = services.single_flight
        self._limiter = services.limiter
        self._clock = services.clock
        self._dispatch = services.dispatch
        self._witnesses = Witnesses(
            ranges, newest_first=newest_first, caller=caller, parking=self.parking, services=services
        )
        self._confirmer = Confirmer(
            self.parking.rejections, self._witnesses, caller=caller, listener=listener, services=services
        )
        self._changed = asyncio.Event()

    def add(self, targets: Iterable[Target]) -> None:
        """Note targets that were added to the ranges of the call."""
        self._witnesses.add(targets)

    async def fetch(self, query: Query) -> DayClicks:
        """Fetch a day as soon as it may be sent.

        Raises:
            ParkedError: its target is parked.
            OverError: the call is over.
            HourlyClicksError: it failed.
        """
        while True:
            if self.parking.holds(query):
                await self._wait(query)
            if self.fetched_early and (day := self.fetched_early.pop(query, None)) is not None:
                self._caller.answered += 1
                return day
            try:
                return await self._single_flight.fetch(query, self._caller)
            except HeldError:
                continue

    async def follow_up(self, target: Target) -> None:
        """Send what the last answer of a target calls for, once its day is counted.

        Raises:
            HourlyClicksError: a fatal error.
        """
        if self.parking.needs_check(target):
            await self._check(target)
        if self.parking.needs_witness():
            await self._request_witness(target)
        await self._confirmer.settle(target)

    def due_for_probe(self, *, last: bool) -> list[Target]:
        """Return the parked targets to probe now; see `Parking.due_for_probe`."""
        return self.parking.due_for_probe(self._clock.monotonic(), last=last)

    async def probe(self, target: Target) -> None:
        """Send a probe of a parked target."""
        query = await self._witnesses.find(target)
        self.parking.begin_probe(query, self._clock.monotonic())
        await self._send_trial(query)

    async def conclude(self) -> None:
        """Request one more day of each target whose rejections only lack an answer after them."""
        for target in self.parking.awaiting_answer():
            await self._send_trial(await self._witnesses.find(target))
            await self._confirmer.settle(target)

    # -- inside -----------------------------------------------------------------------------------------

    async def _wait(self, query: Query) -> None:
        """Wait until a day may be sent; the first worker that waits sends the check that is needed."""
        while self.parking.holds(query):
            if query.target in self.parking.parked:
                raise ParkedError(self.parking.parked[query.target])
            if self.parking.needs_check(query.target):
                await self._check(query.target)
            else:
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _check(self, target: Target) -> None:
        """Request another day of a target, and park the target if that is rejected in the same way."""
        self._limiter.queue.recall(self._caller.job)
        try:
            query = await self._witnesses.find(target)
            self.parking.begin_check(query)
            await self._send_trial(query)
        finally:
            self.parking.end_trial(target)
            self._notify()
        error = self.parking.parked.get(target)
        if error is not None:
            days, tags = self._listener.unfinished(target), self._caller.context.tags
            self._dispatch(events.TargetParked(target=target, days=days, error=error, **tags))

    async def _request_witness(self, target: Target) -> None:
        """Request a day that was answered earlier, and end the call if nothing is answered any more."""
        try:
            query = (
                self.parking.witness()
                or await self._witnesses.answered_before(target)
                or await self._witnesses.elsewhere()
            )
            if query is not None and not self.parking.holds(query):
                await self._send_trial(query)
        except BaseException:
            self.parking.drop_witness()
            raise
        if self._caller.job.over:  # for another reason
            self.parking.drop_witness()
            return
        error = self.parking.end_witness()
        if error is not None:
            self._listener.outage(error)

    async def _send_trial(self, query: Query) -> None:
        """Request a day, whether or not the store has it; raise only a fatal error."""
        known = self.parking.known(query.target) == query.day
        try:
            await self._single_flight.settled(query, self._caller)
            if self.parking.is_decided(query):  # by the answer to a request that was under way
                return
            day = await self._single_flight.fetch(query, self._caller, again=True)
        except (OverError, HeldError):
            return
        except HourlyClicksError as error:
            if error.fatal:
                raise
            return
        finally:
            self.parking.end_trial(query.target, of=query)
            self._notify()
        if not known and not self._witnesses.has_figures(query):
            self.fetched_early[query] = day
