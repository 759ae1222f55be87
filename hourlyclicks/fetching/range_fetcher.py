"""Fetch a range of days with one request: the loop around its `RangeExchange`, and what its answer proves.

The answer is judged day by day. A day without rows is empty only if it was certainly answered for, see
`hourlyclicks.model.range_proof`; otherwise it is left open, and the caller asks for it again. All days that
are certain are stored in one transaction. Where the others need a further request, the days with rows are
stored before it.

With a store, a range keeps its slot until its days are stored, so that a process that is killed loses no more
ranges than may be under way at a time. Before any further request it is released: that one needs a slot, too.
The claims to its days are not, and a further request comes with none: so it does not wait for another
process, which may wait for this one.

An error that may be about the range instead of its days, such as a rejection, is raised, and nothing is
recorded of the days. After any other error, each of them has failed.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.errors import DecodeError, HourlyClicksError, StoreError
from hourlyclicks.fetching.exchange import Exchange
from hourlyclicks.fetching.fetcher import DayFetcher
from hourlyclicks.fetching.range_checks import RangeChecks
from hourlyclicks.fetching.range_exchange import RangeExchange, is_about_range
from hourlyclicks.fetching.range_memory import RangeMemory, with_clicks
from hourlyclicks.fetching.range_state import is_suspicious
from hourlyclicks.fetching.range_task import RangeTask
from hourlyclicks.fetching.task import FetchTask
from hourlyclicks.model.day import HOURS, DayClicks
from hourlyclicks.model.range_proof import RangeProof, shift_between
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.limiter import SUCCEEDED, UNSENT
from hourlyclicks.pacing.queue import NotNeededError
from hourlyclicks.wire.range_endpoint import is_missing

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Sequence

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.range_state import RangeState
    from hourlyclicks.fetching.rules import Rules
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.transport.protocol import Transport
    from hourlyclicks.wire.request import Origin

_NOT_REPORTED = (None,) * HOURS


class RangeFetcher(DayFetcher):
    """Fetch ranges of days from the API.

    Args:
        origin: the base URL, and the headers that identify the client.
        rules: what all exchanges share.
        transport: sends the requests.
        state: what is known of the endpoint.
        cache: the store, if there is one.

    Attributes:
        state: what is known of the endpoint.
        memory: keeps it.
    """

    def __init__(
        self,
        *,
        origin: Origin,
        rules: Rules,
        transport: Transport,
        state: RangeState,
        cache: DayCache | None = None,
    ) -> None:
        super().__init__(origin=origin, rules=rules, transport=transport, cache=cache)
        self.state = state
        self.memory = RangeMemory(state, cache=cache, clock=rules.clock, dispatch=rules.dispatch)
        self._checks = RangeChecks(self, state, self.memory)

    async def fetch_range(self, task: RangeTask) -> None:
        """Fetch a range, and note in the task what became of its days; the answer leaves the others open.

        Raises:
            HourlyClicksError: the request failed, and `is_about_range` or it is fatal.
            OverError: the job was over before the result was known.
            HeldError: a circuit breaker keeps the days from being sent.
        """
        exchange = task.exchange = RangeExchange(self.rules, task, task.question)
        task.keeps_slot = self._cache is not None
        stored = False
        try:
            rows = await self.ask(task, exchange)
            task.kept_slot = exchange.slot if task.keeps_slot else None
            if not self.state.verified and not await self._verify(task, rows):
                return
            await self._evaluate(task, exchange, rows)
            stored = True
        except NotNeededError:
            pass
        except HourlyClicksError as error:
            if is_missing(error):
                raise await self.memory.give_up(error) from None
            if error.fatal or is_about_range(error):
                raise
            await self._fail(task, exchange, error)
        finally:
            self._release(task)
            if self._cache is not None:
                for member in task.members:
                    self._limiter.settle(member.query, stored=stored)

    async def _acquire(self, task: FetchTask) -> Slot:
        """Wait for a slot and the claims to all days; then leave out days that are in the store by now."""
        slot = await super()._acquire(task)
        if self._cache is not None and isinstance(task, RangeTask):
            try:
                self._check_used()
                await self._leave_out_known(self._cache, task)
            except BaseException:
                self._limiter.finish(slot, UNSENT)
                raise
        return slot

    def _check_used(self) -> None:
        """Leave a range to version 2 if the endpoint was found to be missing while it waited for its slot."""
        if not self.state.used:
            raise NotNeededError

    async def _leave_out_known(self, cache: DayCache, task: RangeTask) -> None:
        due = task.leave_out(await cache.known(task.query.target, task.question.days, task.freshness))
        if not due or task.question.first == task.question.last:  # a single day is left to version 2
            raise NotNeededError
        task.exchange.question = task.question

    def _release(self, task: RangeTask) -> None:
        """Release the slot that a range has kept, if it has."""
        slot, task.kept_slot = task.kept_slot, None
        if slot is not None:
            self._limiter.finish(slot, SUCCEEDED)

    async def _verify(self, task: RangeTask, rows: Sequence[DayClicks]) -> bool:
        """Compare a day with version 2, once; return whether the two agree. Nothing is stored before that.

        Only a final day tells, since the figures of the others change from one request to the next. If the
        answer has none with clicks, the last months of the target may have one.

        Raises:
            DecodeError: they differ.
        """
        final = with_clicks(rows)
        self._release(task)
        with _carried_by_error(task, rows):
            await self.memory.recall()
        if self.state.verified:  # by another process
            return True
        if not final:
            rows = await self._checks.late_rows(task, task.question.days)
            final = with_clicks(rows)
        if not final:
            return False
        day, target = final[-1], task.query.target
        single = FetchTask(task.caller, Query(day.date, target), task.runner, again=True, claims=False)
        (other,) = await self.ask(single, Exchange(self.rules, single))
        by = shift_between(other, {each.date: each for each in rows})
        if by != 0:
            raise await self.memory.give_up(DecodeError((_difference(day.date, by),), retryable=False))
        with _carried_by_error(task, rows):
            await self.memory.compared()
        return True

    # -- what an answer proves --------------------------------------------------------------------------

    async def _evaluate(self, task: RangeTask, exchange: RangeExchange, rows: Sequence[DayClicks]) -> None:
        """Store what the answer is certain about; ask for proof where that is worth it."""
        asked, answered = exchange.question.days, {day.date for day in rows}
        with _carried_by_error(task, rows):
            await self.memory.learn(exchange.question, rows)
        open_ = self.state.uncertain(asked, answered)
        silent = set(RangeProof().uncertain(asked, answered))
        suspicious = silent != open_ and is_suspicious(asked, answered)
        needed = open_.intersection(task.days).difference(task.outcomes, task.optional)
        before = len(task.outcomes)
        if suspicious or self.state.is_worth_a_check(asked, needed):
            await self._store(task, exchange, self._certain(task, exchange, rows, silent))
            self._release(task)
            async with self.state.checking:  # another call may have proved enough meanwhile
                if suspicious or not self.state.uncertain(asked, answered).isdisjoint(needed):
                    await self._checks.check(task, asked, urgent=suspicious)
            open_ = self.state.uncertain(asked, answered)
        days = self._certain(task, exchange, rows, open_)
        await self._store(task, exchange, days, counted=len(task.outcomes) > before)

    def _certain(
        self, task: RangeTask, exchange: RangeExchange, rows: Sequence[DayClicks], others: Collection[dt.date]
    ) -> list[DayClicks]:
        """Return the needed days of an answer but some others, in order."""
        question, found = exchange.question, {day.date: day for day in rows}
        days = [
            day
            for day in task.days
            if day in question.days and day not in others and day not in task.outcomes
        ]
        empty = [self._empty(day, exchange.as_of) for day in days if day not in found]
        self.state.found_empty(question, set(found), [day.date for day in empty if day.final])
        return sorted([*(found[day] for day in days if day in found), *empty], key=attrgetter("date"))

    def _empty(self, day: dt.date, as_of: dt.datetime) -> DayClicks:
        """Return a day without rows that was answered for."""
        return DayClicks(day, _NOT_REPORTED, _NOT_REPORTED, as_of, self.rules.finality.of(day, as_of))

    async def _store(
        self, task: RangeTask, exchange: RangeExchange, days: list[DayClicks], *, counted: bool = False
    ) -> None:
        """Store the days, and report them; `counted`: other days of the answer have been before."""
        target, requests = task.query.target, 0 if counted else exchange.requests
        if self._cache is not None and days:
            stored = await self._cache.put_days(
                target,
                days,
                endpoint=exchange.endpoint.name.rpartition("/")[2],
                requests=requests,
                refresh=task.refresh,
                context=task.caller.context,
            )
            days = [answer.day for answer in stored]
            task.leader.revised += sum(answer.revised for answer in stored)
        if self._dispatch:
            tags = task.caller.context.tags
            for day in days:
                done = events.DayDone(day=day.date, target=target, requests=requests, final=day.final, **tags)
                self._dispatch(done)
                requests = 0  # the request is counted once
        task.leader.answered += sum(day.date not in task.optional for day in days)
        task.outcomes |= {day.date: day for day in days}

    async def _fail(self, task: RangeTask, exchange: RangeExchange, error: HourlyClicksError) -> None:
        """Record and report that each needed day has failed that is not done."""
        requests, target, caller = exchange.requests, task.query.target, task.caller
        for day in task.days:
            if day in task.outcomes or day in task.optional:
                continue
            failure = copy.copy(error)
            failure.day = failure.target = None
            task.outcomes[day] = failure.about(day, target)
            if self._cache is not None and exchange.requests:
                await self._cache.record_failure(
                    Query(day, target),
                    failure,
                    asked=exchange.asked,
                    requests=requests,
                    began=caller.freshness.began,
                )
            tags = caller.context.tags
            self._dispatch(events.DayFailed(day=day, target=target, requests=requests, error=failure, **tags))
            requests = 0


@contextmanager
def _carried_by_error(task: RangeTask, rows: Sequence[DayClicks]) -> Iterator[None]:
    """Let an error of the store carry the needed days of an answer, which will not be stored."""
    try:
        yield
    except StoreError as error:
        error.unsaved = tuple(day for day in rows if day.date in task.days and day.date not in task.outcomes)
        raise


def _difference(day: dt.date, hours: int | None) -> str:
    how = "" if hours is None else f": they are {abs(hours)} h {'later' if hours > 0 else 'earlier'}"
    return f"version 3 has other figures for {day} than version 2{how}"
