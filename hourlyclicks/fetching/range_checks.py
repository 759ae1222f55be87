"""Checks of the server for ranges: further requests, which prove whether it still answers for whole ranges.

They ask for a witness, days that had clicks, and for nothing that the call needs. Where none is known, the
last months of the target are asked for: a link often begins long after the first day of a call, and without
a row all of its days would have to be asked for one by one. What an answer means for the days that were asked
for before is told by `hourlyclicks.fetching.range_state`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.range_exchange import RangeExchange, is_about_range
from hourlyclicks.fetching.range_memory import with_clicks
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.questions import Question
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import HeldError, OverError
from hourlyclicks.wire.clicks_by_range import CLICKS_BY_RANGE
from hourlyclicks.wire.endpoints import CLICKS_BY_HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.fetching.fetcher import DayFetcher
    from hourlyclicks.fetching.range_memory import RangeMemory
    from hourlyclicks.fetching.range_state import RangeState
    from hourlyclicks.fetching.range_task import RangeTask
    from hourlyclicks.model.day import DayClicks


_ONE_DAY = dt.timedelta(days=1)
_SHORTEST_MONTH = 28
_MOST_MONTHS = 12
"""How many months are asked for at most to find a day with clicks."""


class RangeChecks:
    """Check what is known of the endpoint for ranges.

    Args:
        fetcher: sends the requests.
        state: what is known.
        memory: keeps it.
    """

    def __init__(self, fetcher: DayFetcher, state: RangeState, memory: RangeMemory) -> None:
        self._fetcher = fetcher
        self._state = state
        self._memory = memory

    async def check(self, task: RangeTask, asked: DateRange, *, urgent: bool) -> None:
        """Prove again that ranges are not shortened, by days that had clicks; once in a while."""
        state = self._state
        if state.record.witness is None:
            await self._memory.recall()  # another process may have found one
        if state.record.witness is None:
            await self.late_rows(task, asked)
        witness = state.begin_check(urgent=urgent)
        if witness is None:
            return
        proof = RangeProof()
        checks = state.checks(witness, asked, all_of_them=urgent)
        for days in checks:
            question = Question(days.start, days.end, witness.target, CLICKS_BY_RANGE.name)
            if (days, witness.target) == (asked, task.query.target):  # it was answered just now
                continue
            rows = await self._ask_beside(task, question)
            if rows is None:
                return
            answered = {day.date for day in rows}
            expected = {witness.days.start, witness.days.end}.intersection(days)
            lacking = state.contradicted(days, expected - answered)
            if urgent and not lacking and (part := state.within_proof(days, expected - answered)):
                checks.append(part)  # is what is proved still so?
            if lacking and not await self._has_clicks(task, Query(min(lacking), witness.target)):
                await self._memory.lose_witness()  # its figures are gone, so they prove nothing
                return
            if lacking:
                await self._memory.disprove(state.contradict(days, lacking))
            await self._memory.learn(question, rows)
            proof = proof.after(days, answered)
        state.confirm(proof)

    async def late_rows(self, task: RangeTask, asked: DateRange) -> Sequence[DayClicks]:
        """Return rows of a target that was asked for in vain, from the last months, the latest first.

        They are so old that a range can begin with each of their days. The longer the call, the more requests
        are spent on this, once in a while: a month of silence costs a request a day.
        """
        target, state = task.query.target, self._state
        months = min(_MOST_MONTHS, task.caller.job.remaining // _SHORTEST_MONTH)
        last = state.cap.first(state.latest) - _ONE_DAY
        if not months or not state.begin_search(target):
            return ()
        for _ in range(months):
            days = DateRange(max(state.cap.first(last), last - (asked.end - asked.start)), last)
            last = days.start - _ONE_DAY
            if days == asked:
                continue
            question = Question(days.start, days.end, target, CLICKS_BY_RANGE.name)
            rows = await self._ask_beside(task, question)
            if rows is None:
                break
            if with_clicks(rows):
                await self._memory.learn(question, rows)
                return rows
        return ()

    async def _has_clicks(self, task: RangeTask, query: Query) -> bool:
        """Return whether version 2 has clicks for a day that a range lacks."""
        rows = await self._ask_beside(task, Question.of(query, CLICKS_BY_HOUR.name))
        return bool(rows and rows[0].reported_hours)

    async def _ask_beside(self, task: RangeTask, question: Question) -> Sequence[DayClicks] | None:
        """Ask for days that are not part of the call; return their rows, or ``None`` if that failed."""
        given = task.caller
        caller = Caller(given.job, given.freshness, given.context, start_spare=given.start_spare)
        query = Query(question.first, question.target)
        beside = FetchTask(caller, query, task.runner, again=True, claims=False)
        try:
            return await self._fetcher.ask(beside, RangeExchange(self._fetcher.rules, beside, question))
        except (OverError, HeldError):
            return None
        except HourlyClicksError as error:
            if error.fatal:
                raise
            if is_about_range(error):
                await self._memory.lose_witness()
            return None
        finally:
            task.caller.retries += caller.retries
            task.caller.rate_limited += caller.rate_limited
