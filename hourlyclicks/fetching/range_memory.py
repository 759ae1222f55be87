"""Keep what is known of the endpoint for ranges of days, in the store if there is one.

Each change is made to what the store has at that moment, since other processes change it as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.model.range_record import RangeRecord, Witness
from hourlyclicks.wire.clicks_by_range import CLICKS_BY_RANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.range_state import RangeState
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.questions import Question
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Query
    from hourlyclicks.store.protocol import RangeChange


class RangeMemory:
    """What one client remembers of the endpoint.

    Args:
        state: what it knows.
        cache: the store, if there is one.
        clock: what time it is.
        dispatch: receives an event when the endpoint is given up.
    """

    def __init__(
        self, state: RangeState, *, cache: DayCache | None, clock: Clock, dispatch: Dispatcher
    ) -> None:
        self._state = state
        self._cache = cache
        self._clock = clock
        self._dispatch = dispatch

    async def recall(self) -> None:
        """Read what other runs have learnt."""
        if self._cache is not None:
            self._state.record = await self._cache.range_record(CLICKS_BY_RANGE.name)

    async def expected_cap(self) -> RangeCap | None:
        """Return how many days a request would ask for now; ``None``: one, since the endpoint is not used."""
        await self.recall()
        return self._state.cap if self._state.used else None

    # -- whether to use it, and how -----------------------------------------------------------------------

    async def usable(self) -> bool:
        """Return whether to use the endpoint now.

        Where it was missing, one process at a time tries it again, when its time has come.
        """
        state, now, claimed = self._state, self._clock.wall(), False

        def claim(record: RangeRecord) -> RangeRecord:
            nonlocal claimed
            if record.unusable_at is None or not record.usable(now):
                return record
            claimed = True
            return record.tried_again(now)

        if state.record.unusable_at is None or state.strict or state.trying:
            return True
        if not state.record.usable(now):
            return False
        await self._change(claim)
        state.trying = claimed
        return claimed or state.record.unusable_at is None

    async def compared(self) -> None:
        """Note that a day is the same in both versions."""
        now, self._state.trying = self._clock.wall(), False
        await self._change(lambda record: record.compared(now))

    async def give_up(self, error: HourlyClicksError) -> HourlyClicksError:
        """Use version 2 for a day, and return the error, which is fatal if that is not allowed."""
        state, now, first = self._state, self._clock.wall(), False
        if state.strict:
            error.fatal = True
            return error
        trying, state.trying = state.trying, False

        def give_up(record: RangeRecord) -> RangeRecord:
            nonlocal first
            first = first or trying or record.usable(now)
            return record.given_up(now) if first else record

        if self._cache is not None:
            state.record = state.record.given_up(now)  # at once, for those that wait for a slot
        await self._change(give_up)
        if first:
            self._dispatch(events.EndpointChanged(endpoint="v2", why=str(error)))
        return error

    async def lower_cap(self, cap: RangeCap) -> None:
        """Note that a range of that length was answered after a longer one had been refused."""
        now = self._clock.wall()
        await self._change(lambda record: record.answered_after_refusal(cap, now))

    # -- what answers prove -------------------------------------------------------------------------------

    async def learn(self, question: Question, rows: Sequence[DayClicks]) -> None:
        """Note what an answer proves, and keep it if that is new."""
        state, now = self._state, self._clock.wall()
        proof = state.learn(question.days, {day.date for day in rows})
        if state.tries_longer and len(question.days) >= state.most.most_days:
            await self._change(RangeRecord.longest_answered)
        known, witness = state.record, self._witness_in(question, rows)
        if (
            known.proof.combined(proof) != known.proof
            or state.better(known, witness) != known.witness
            or (proof == known.proof and known.is_old(now))
        ):
            await self._change(lambda record: record.proved(proof, state.better(record, witness), now))

    async def disprove(self, doubtful: Sequence[Query]) -> None:
        """Note that the server answers for fewer days than before, and put in doubt what that concerns."""
        proof, now = self._state.recent.get(), self._clock.wall()
        await self._change(lambda record: record.disproved(proof, now))
        if self._cache is not None:
            for query in doubtful:
                await self._cache.doubt(query)

    async def lose_witness(self) -> None:
        """Note that the witness cannot be asked for any more, as if its link was deleted."""
        await self._change(lambda record: record.without_witness())

    def _witness_in(self, question: Question, rows: Sequence[DayClicks]) -> Witness | None:
        """Return the best witness among the days of an answer that had clicks."""
        days = [day.date for day in with_clicks(rows)]
        return Witness.best(question.target, days, self._state.cap, self._state.latest) if days else None

    async def _change(self, change: RangeChange) -> None:
        if self._cache is None:
            self._state.record = change(self._state.record)
        else:
            self._state.record = await self._cache.change_range_record(CLICKS_BY_RANGE.name, change)


def with_clicks(rows: Sequence[DayClicks]) -> list[DayClicks]:
    """Return the days of an answer that are final and have clicks."""
    return [day for day in rows if day.final and day.reported_hours]
