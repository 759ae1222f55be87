"""What a client knows of ranges at present: a proof wears off, and an answer that looks cut is noticed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.fetching.range_state import RangeState, RecentProof, is_suspicious
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.questions import Question
from hourlyclicks.model.range_caps import MONTH
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.range_record import RangeRecord, Witness
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.simulator import run_virtual

if TYPE_CHECKING:
    from hourlyclicks.simulator import VirtualClock

LINK = Link("kYdr", "https://vvd.bz")
JANUARY = DateRange.of("2025-01-01", "2025-01-31")
PROOF = RangeProof(31, 31, first_included=True, last_included=True)


def days(*numbers: int) -> set[dt.date]:
    """Return days of January."""
    return {dt.date(2025, 1, number) for number in numbers}


def test_a_proof_wears_off() -> None:
    """It counts for at least five minutes, and for at most ten."""

    async def story(clock: VirtualClock) -> None:
        recent = RecentProof(clock)
        recent.add(PROOF)
        for wait, proof in ((299, PROOF), (2, PROOF), (298, PROOF), (2, RangeProof())):
            await clock.sleep(wait)
            assert recent.get() == proof
        recent.add(PROOF)
        await clock.sleep(601)
        assert recent.get() == RangeProof()

    run_virtual(story)


@pytest.mark.parametrize(
    ("numbers", "suspicious"),
    [
        ([], False),
        ([*range(1, 32)], False),
        ([*range(1, 8)], True),
        ([*range(25, 32)], True),
        ([*range(1, 25)], False),
        ([1, 2, 3, 10, 11, 12], False),
        ([1, 5, 9], True),
        ([16], True),
    ],
)
def test_an_answer_that_looks_as_if_it_was_cut(numbers: list[int], *, suspicious: bool) -> None:
    """It has rows at one side only, and none for longer than the gaps between them explain."""
    assert is_suspicious(JANUARY, days(*numbers)) is suspicious
    assert not is_suspicious(DateRange.of("2025-01-01", "2025-01-07"), days(1))


def test_what_is_contradicted_is_in_doubt() -> None:
    """Of the days that were found empty, those that are not proved otherwise."""

    async def story(clock: VirtualClock) -> None:
        state = RangeState(MONTH, clock, record=RangeRecord(proof=PROOF))
        state.recent.add(PROOF)
        state.found_empty(Question(*_ends(JANUARY), LINK, "x"), days(1, 5), days(3, 6, 31))
        assert set(state.unconfirmed) == {Query(day, LINK) for day in days(6, 31)}
        assert state.contradicted(JANUARY, days(31)) == days(31)
        assert state.contradicted(DateRange.of("2025-01-01", "2025-02-01"), days(31)) == set()
        assert sorted(query.day for query in state.contradict(JANUARY, days(31))) == sorted(days(6, 31))
        assert (state.recent.get(), state.unconfirmed) == (RangeProof(), {})

    run_virtual(story)


def test_what_is_seen_again_is_confirmed() -> None:
    """By an answer with rows at both ends, as far as it reaches."""

    async def story(clock: VirtualClock) -> None:
        state = RangeState(MONTH, clock)
        state.found_empty(Question(*_ends(JANUARY), LINK, "x"), days(), days(14, 31))
        state.learn(DateRange.of("2025-01-01", "2025-01-20"), days(1, 20))
        assert [query.day.day for query in state.unconfirmed] == [31]
        state.learn(JANUARY, days(1, 31))
        assert not state.unconfirmed

    run_virtual(story)


def test_a_check_is_made_once_in_a_while() -> None:
    """In five minutes, or in one if an answer looks as if it was cut."""

    async def story(clock: VirtualClock) -> None:
        state = RangeState(MONTH, clock)
        assert state.begin_check(urgent=True) is None
        witness = Witness(LINK, JANUARY)
        state.record = RangeRecord(witness=witness)
        assert state.begin_check(urgent=False) == witness
        await clock.sleep(59)
        assert state.begin_check(urgent=True) is None
        await clock.sleep(2)
        assert state.begin_check(urgent=False) is None
        assert state.begin_check(urgent=True) == witness
        await clock.sleep(300)
        assert state.begin_check(urgent=False) == witness

    run_virtual(story)


def test_a_witness_that_proves_more_is_not_kept_waiting() -> None:
    """It is asked for at once, unless the answer only looks as if it was cut."""

    async def story(clock: VirtualClock) -> None:
        april, march = [around(day) for day in ("2025-04-10", "2025-03-10")]
        state = RangeState(MONTH, clock, record=RangeRecord(witness=april))
        assert state.begin_check(urgent=False) == april
        state.record = RangeRecord(witness=around("2025-04-12"))
        assert state.begin_check(urgent=False) is None
        state.record = RangeRecord(witness=Witness(LINK, DateRange(march.days.start, april.days.end)))
        assert state.begin_check(urgent=True) is None
        assert state.begin_check(urgent=False) == state.record.witness

    run_virtual(story)


def test_what_a_check_asks_for() -> None:
    """A range that is long enough, or the ranges around days, without what is proved at present."""

    async def story(clock: VirtualClock) -> None:
        state = RangeState(MONTH, clock)
        assert state.checks(Witness(LINK, JANUARY), JANUARY) == [JANUARY]
        day = around("2025-01-10")
        begins, ends = DateRange.of("2025-01-10", "2025-02-09"), DateRange.of("2024-12-11", "2025-01-10")
        assert state.checks(day, JANUARY) == [begins, ends]
        state.recent.add(RangeProof(1, 31, first_included=True))
        assert state.checks(day, JANUARY) == [ends]
        assert state.checks(day, JANUARY, all_of_them=True) == [begins, ends]
        state.recent.add(RangeProof(31, 1, last_included=True))
        assert state.checks(day, JANUARY) == []

    run_virtual(story)


def test_a_check_asks_for_no_day_that_is_to_come() -> None:
    """A range that would have to be shorter because of that proves less, so it is left out."""

    async def story(clock: VirtualClock) -> None:
        state = RangeState(MONTH, clock)
        assert state.latest == dt.date(2025, 5, 31)
        assert state.checks(around("2025-05-20"), JANUARY) == [DateRange.of("2025-04-21", "2025-05-20")]
        old = Witness(LINK, DateRange.of("2025-03-10", "2025-05-20"))
        assert state.checks(old, JANUARY)[0] == DateRange.of("2025-03-10", "2025-04-09")

    run_virtual(story)


def test_a_witness_is_looked_for_once_in_a_while() -> None:
    """In five minutes, unless another target is asked about."""

    async def story(clock: VirtualClock) -> None:
        state = RangeState(MONTH, clock)
        assert [state.begin_search(LINK), state.begin_search(LINK)] == [True, False]
        assert state.begin_search(Link("c", "https://vvd.bz"))
        assert [state.begin_search(LINK), state.begin_search(LINK)] == [True, False]
        await clock.sleep(300)
        assert state.begin_search(LINK)

    run_virtual(story)


def around(day: str) -> Witness:
    """Return a witness of one day."""
    return Witness(LINK, DateRange.of(day, day))


def _ends(days: DateRange) -> tuple[dt.date, dt.date]:
    return days.start, days.end
