"""The requests of the circuit breakers of a call: days that wait, checks, probes, witnesses, confirmations.

What they decide, and why, is in `hourlyclicks.jobs.parking` and the modules it names.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.events import TargetParked
from hourlyclicks.fetching.cache import NOTHING
from hourlyclicks.jobs.parking import Parking
from hourlyclicks.model.dates import is_final
from hourlyclicks.model.rejections import likeness, rejects
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import HeldError, OverError
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    from hourlyclicks.errors import ApiError
    from hourlyclicks.fetching.cache import TargetHistory
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.confirmation import Rejection
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.rejections import Likeness
    from hourlyclicks.model.targets import Target

_ONE_DAY = dt.timedelta(days=1)


class ParkedError(Exception):
    """A day was not sent, since its target is parked.

    Attributes:
        error: why.
    """

    def __init__(self, error: ApiError) -> None:
        self.error = error


class BreakerListener:
    """What a call counts when the circuit breakers decide something. This one counts nothing."""

    def unfinished(self, target: Target) -> int:
        """Return how many days of a target are not done."""
        del target
        return 0

    def became_final(self, query: Query) -> None:
        """Note that the rejection of a day that had failed is final."""

    def recovered(self, query: Query, day: DayClicks) -> None:
        """Note that a day that had failed was answered after all."""

    def outage(self, error: ApiError) -> None:
        """Note that the API rejects everything; see `hourlyclicks.jobs.outage`."""


class Circuit:
    """Fetch the days of one call through its circuit breakers.

    Args:
        days: the days of the call.
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
        days: DateRange,
        *,
        newest_first: bool,
        caller: Caller,
        listener: BreakerListener,
        services: Services,
    ) -> None:
        self.parking = Parking(keeps=services.cache is not None)
        caller.breakers = caller.job.breakers = self.parking
        self.fetched_early: dict[Query, DayClicks] = {}
        self._days = days
        self._newest_first = newest_first
        self._caller = caller
        self._listener = listener
        self._cache = services.cache
        self._single_flight = services.single_flight
        self._limiter = services.limiter
        self._zone = services.zone
        self._clock = services.clock
        self._dispatch = services.dispatch
        self._histories: dict[Target, TargetHistory] = {}
        self._changed = asyncio.Event()

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
            await self._ask_witness(target)
        await self._settle_rejections(target)

    def due_for_probe(self, *, last: bool) -> list[Target]:
        """Return the parked targets to probe now; see `Parking.due_for_probe`."""
        return self.parking.due_for_probe(self._clock.monotonic(), last=last)

    async def probe(self, target: Target) -> None:
        """Send a probe of a parked target."""
        query = await self._witness(target)
        self.parking.begin_probe(query, self._clock.monotonic())
        await self._send_trial(query)

    async def conclude(self) -> None:
        """Request one more day of each target whose rejections only lack an answer after them."""
        for target in self.parking.awaiting_answer():
            await self._send_trial(await self._witness(target))
            await self._settle_rejections(target)

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
            query = await self._witness(target)
            self.parking.begin_check(query)
            await self._send_trial(query)
        finally:
            self.parking.end_trial(target)
            self._notify()
        error = self.parking.parked.get(target)
        if error is not None:
            self._dispatch(TargetParked(target=target, days=self._listener.unfinished(target), error=error))

    async def _ask_witness(self, target: Target) -> None:
        """Request a day that was answered earlier, and end the call if nothing is answered any more."""
        try:
            query = self.parking.witness()
            if query is None and (day := (await self._history(target)).day) is not None:
                query = Query(day, target)
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
        if not known and not self._has_figures(query):
            self.fetched_early[query] = day

    def _has_figures(self, query: Query) -> bool:
        history = self._histories.get(query.target)
        return history is not None and history.day == query.day

    async def _witness(self, target: Target) -> Query:
        """Return the day that shows whether a target is answered at all."""
        day = self.parking.known(target) or (await self._history(target)).day or self._other_end()
        return Query(day, target)

    def _other_end(self) -> dt.date:
        """Return the last day to be requested, if possible one that is over."""
        if self._newest_first:
            return self._days.start
        now, day = self._clock.wall(), self._days.end
        while day > self._days.start and not is_final(day, now, self._zone):
            day -= _ONE_DAY
        return day if is_final(day, now, self._zone) else self._days.end

    async def _history(self, target: Target) -> TargetHistory:
        """Return what the store had of the other days of a target when this was first called."""
        if self._cache is None:
            return NOTHING
        found = self._histories.get(target)
        if found is None:
            found = self._histories[target] = await self._cache.history(
                target, self._days, began=self._caller.freshness.began, newest_first=self._newest_first
            )
        return found

    async def _settle_rejections(self, target: Target) -> None:
        """Record those rejections of a target as final for which there is enough evidence.

        A rejection is ready once an answer has come after it. It is skipped if its day was not over when it
        was requested, since the API may know more later. If an earlier run has seen the same rejection, and
        answers after it, it is final. Otherwise it needs an answer before it, in this run or an earlier one,
        and a repetition. One repetition is enough for all rejections of the same kind: they are grouped, and
        the first of the group is requested again, unless this kind is trusted by now.
        """
        groups: dict[Likeness, list[Rejection]] = {}
        for rejection in self.parking.rejections.take_ready(target):
            if self._cache is None or not self._cache.is_over(rejection.query.day, rejection.asked):
                continue
            if await self._is_known_final(rejection):
                await self._record_final(rejection)
            elif rejection.between or rejection.earlier is not None:
                groups.setdefault(likeness(rejection.error), []).append(rejection)
        for like, group in groups.items():
            if self.parking.rejections.trusts(like) or await self._is_repeated(group[0], like):
                for rejection in group:
                    await self._record_final(rejection)

    async def _is_known_final(self, rejection: Rejection) -> bool:
        """Return whether an earlier run saw the same rejection of a day, and answers after it."""
        entry = rejection.earlier
        if entry is None or entry.state is DayState.REFUSED:
            return entry is not None
        answered = (await self._history(rejection.query.target)).answered
        return answered is not None and entry.asked_at < answered

    async def _is_repeated(self, rejection: Rejection, like: Likeness) -> bool:
        """Request a rejected day once more; return whether it is rejected in the same way."""
        query = rejection.query
        self.parking.rejections.begin_confirmation(query)
        try:
            day = await self._single_flight.fetch(query, self._caller)
        except (OverError, HeldError):
            return False
        except HourlyClicksError as error:
            if error.fatal:
                raise
            again = rejects(error) and likeness(error) == like
            if again:
                self.parking.rejections.repeated(like, again=True)
            return again
        finally:
            self.parking.rejections.end_confirmation(query)
        self.parking.rejections.repeated(like, again=False)
        self._listener.recovered(query, day)
        return False

    async def _record_final(self, rejection: Rejection) -> None:
        assert self._cache is not None  # noqa: S101 - only with a store are there final rejections
        await self._cache.record_rejection(rejection.query, rejection.error, asked=rejection.asked)
        self._listener.became_final(rejection.query)
