"""The circuit breakers of a call at work: they hold days back, and send checks, probes and confirmations.

What they decide, and why, is in `hourlyclicks.jobs.parking`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.events import TargetParked
from hourlyclicks.fetching.cache import NOTHING
from hourlyclicks.fetching.rejection import rejects
from hourlyclicks.jobs.parking import Parking
from hourlyclicks.model.dates import is_final
from hourlyclicks.model.rejections import likeness
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import HeldError, OverError
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    from hourlyclicks.errors import ApiError
    from hourlyclicks.fetching.cache import TargetHistory
    from hourlyclicks.fetching.rejection import Rejection
    from hourlyclicks.fetching.task import Caller
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

    def left(self, target: Target) -> int:
        """Return how many days of a target are not done."""
        del target
        return 0

    def refuse(self, query: Query) -> None:
        """Note that a day that had failed is rejected for good."""

    def regain(self, query: Query, day: DayClicks) -> None:
        """Note that a day that had failed was answered after all."""

    def give_up(self, error: ApiError) -> None:
        """Note that targets are parked one after the other, and nothing else is answered."""


class Circuit:
    """Fetch the days of one call through its circuit breakers.

    Args:
        days: the days of the call.
        newest_first: whether it asks for the last of them first.
        caller: the call.
        listener: told what the breakers decide.
        services: the parts of the client.

    Attributes:
        parking: the circuit breakers.
        aside: days that were answered before their turn; each is given away once.
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
        self.aside: dict[Query, DayClicks] = {}
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
        """Fetch a day when it may be sent.

        Raises:
            ParkedError: its target is parked.
            OverError: the call is over.
            HourlyClicksError: it failed.
        """
        while True:
            if self.parking.holds(query):
                await self._wait(query)
            if self.aside and (day := self.aside.pop(query, None)) is not None:
                self._caller.answered += 1
                return day
            try:
                return await self._single_flight.fetch(query, self._caller)
            except HeldError:
                continue

    async def follow_up(self, target: Target) -> None:
        """Do what the last answer of a target calls for, once its day is counted.

        Raises:
            HourlyClicksError: one that no day can survive.
        """
        if self.parking.needs_check(target):
            await self._check(target)
        if self.parking.needs_witness():
            await self._ask_witness(target)
        await self._judge(target)

    def due_for_probe(self, *, last: bool) -> list[Target]:
        """Return the parked targets to probe now; see `Parking.due_for_probe`."""
        return self.parking.due_for_probe(self._clock.monotonic(), last=last)

    async def probe(self, target: Target) -> None:
        """Try whether a parked target is answered again."""
        query = await self._witness(target)
        self.parking.begin_probe(query, self._clock.monotonic())
        await self._try(query)

    async def conclude(self) -> None:
        """Ask for one more day of each target of which only that is missing to believe its rejections."""
        for target in self.parking.unanswered():
            await self._try(await self._witness(target))
            await self._judge(target)

    # -- inside -----------------------------------------------------------------------------------------

    async def _wait(self, query: Query) -> None:
        """Wait until a day may be sent; whichever task comes first sends the check that is waited for."""
        while self.parking.holds(query):
            if query.target in self.parking.parked:
                raise ParkedError(self.parking.parked[query.target])
            if self.parking.needs_check(query.target):
                await self._check(query.target)
            else:
                await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _check(self, target: Target) -> None:
        """Ask for another day of a target, and park the target if that is rejected likewise."""
        self._limiter.recall(self._caller.job)
        try:
            query = await self._witness(target)
            self.parking.begin_check(query)
            await self._try(query)
        finally:
            self.parking.end_trial(target)
            self._wake()
        error = self.parking.parked.get(target)
        if error is not None:
            self._dispatch(TargetParked(target=target, days=self._listener.left(target), error=error))

    async def _ask_witness(self, target: Target) -> None:
        """Ask for a day that is known to be answered, and end the call if it is not."""
        try:
            query = self.parking.witness()
            if query is None and (day := (await self._history(target)).day) is not None:
                query = Query(day, target)
            if query is not None and not self.parking.holds(query):
                await self._try(query)
        except BaseException:
            self.parking.drop_witness()
            raise
        if self._caller.job.over:  # for another reason
            self.parking.drop_witness()
            return
        error = self.parking.end_witness()
        if error is not None:
            self._listener.give_up(error)

    async def _try(self, query: Query) -> None:
        """Ask for a day, whether or not the store has it; only what ends the call is raised."""
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
            self._wake()
        if not known and not self._has_figures(query):
            self.aside[query] = day

    def _has_figures(self, query: Query) -> bool:
        history = self._histories.get(query.target)
        return history is not None and history.day == query.day

    async def _witness(self, target: Target) -> Query:
        """Return the day that tells whether a target is answered at all."""
        day = self.parking.known(target) or (await self._history(target)).day or self._other_end()
        return Query(day, target)

    def _other_end(self) -> dt.date:
        """Return the last day to be asked for, of those that are over if there is one."""
        if self._newest_first:
            return self._days.start
        now, day = self._clock.wall(), self._days.end
        while day > self._days.start and not is_final(day, now, self._zone):
            day -= _ONE_DAY
        return day if is_final(day, now, self._zone) else self._days.end

    async def _history(self, target: Target) -> TargetHistory:
        """Return what the store knows of the other days of a target, as it was when first asked."""
        if self._cache is None:
            return NOTHING
        found = self._histories.get(target)
        if found is None:
            found = self._histories[target] = await self._cache.history(
                target, self._days, began=self._caller.freshness.began, newest_first=self._newest_first
            )
        return found

    async def _judge(self, target: Target) -> None:
        """Believe those rejections after which the target was answered that have come again."""
        groups: dict[Likeness, list[Rejection]] = {}
        for rejection in self.parking.take_ripe(target):
            if self._cache is None or not self._cache.is_over(rejection.query.day, rejection.asked):
                continue
            if await self._came_before(rejection):
                await self._refuse(rejection)
            elif rejection.between or rejection.earlier is not None:
                groups.setdefault(likeness(rejection.error), []).append(rejection)
        for like, group in groups.items():
            if self.parking.trusts(like) or await self._comes_again(group[0], like):
                for rejection in group:
                    await self._refuse(rejection)

    async def _came_before(self, rejection: Rejection) -> bool:
        """Return whether a day was rejected likewise in an earlier run, and others were answered later."""
        entry = rejection.earlier
        if entry is None or entry.state is DayState.REFUSED:
            return entry is not None
        answered = (await self._history(rejection.query.target)).answered
        return answered is not None and entry.asked_at < answered

    async def _comes_again(self, rejection: Rejection, like: Likeness) -> bool:
        """Ask for a rejected day once more; return whether it is rejected likewise."""
        query = rejection.query
        self.parking.begin_confirmation(query)
        try:
            day = await self._single_flight.fetch(query, self._caller)
        except (OverError, HeldError):
            return False
        except HourlyClicksError as error:
            if error.fatal:
                raise
            again = rejects(error) and likeness(error) == like
            if again:
                self.parking.repeated(like, again=True)
            return again
        finally:
            self.parking.end_confirmation(query)
        self.parking.repeated(like, again=False)
        self._listener.regain(query, day)
        return False

    async def _refuse(self, rejection: Rejection) -> None:
        assert self._cache is not None  # noqa: S101 - only with a store is a day believed to be rejected
        await self._cache.refuse(rejection.query, rejection.error, asked=rejection.asked)
        self._listener.refuse(rejection.query)
