"""Which of two answers for a day is kept."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.day import HOURS, DayClicks
from hourlyclicks.store.conflicts import CONFIRMED_AFTER, StoredDay, resolve_put
from hourlyclicks.store.freshness import SKEW, Reader
from hourlyclicks.store.ledger import PutResult
from tests.model.strategies import FIRST, NOON, days

if TYPE_CHECKING:
    from collections.abc import Sequence

SOME_DAYS = days(st.just(FIRST))
REVISIONS = st.integers(1, 9)
TICK = dt.datetime.resolution
READER = Reader(NOON + dt.timedelta(days=1), dt.UTC)
MOST = tuple(range(HOURS))
NOTHING = (None,) * HOURS
FEWER = (*MOST[:-1], None)


def answer(
    counts: Sequence[int | None] = MOST, after: dt.timedelta = dt.timedelta(0), *, final: bool = True
) -> DayClicks:
    """Return an answer, requested some time after noon."""
    return DayClicks(FIRST, tuple(counts), tuple(counts), NOON + after, final)


def hours_of(day: DayClicks) -> set[int]:
    """Return the hours that are reported."""
    return {hour.hour for hour in day if hour.clicks is not None}


@given(SOME_DAYS)
def test_the_first_answer_is_kept(day: DayClicks) -> None:
    """It is, whatever it has."""
    assert resolve_put(day, None) == PutResult(1)


@given(SOME_DAYS, REVISIONS)
def test_an_answer_that_comes_twice_changes_nothing(day: DayClicks, revision: int) -> None:
    """It is no revision, and nothing is dropped."""
    assert resolve_put(day, StoredDay(day, revision)) == PutResult(revision)


@given(SOME_DAYS, SOME_DAYS, REVISIONS)
def test_one_of_two_answers_is_kept(one: DayClicks, other: DayClicks, revision: int) -> None:
    """A final one before a provisional one, else the later one; never a final one dropped for another."""
    kept = resolve_put(one, StoredDay(other, revision))
    if kept.dropped:
        assert kept == PutResult(revision, dropped=True)
        assert other.final or not one.final
    elif kept.doubted_at is not None:
        assert kept == PutResult(revision, doubted_at=one.fetched_at)
        assert not hours_of(other) <= hours_of(one)
    else:
        assert kept.revision == revision + kept.revised
        assert kept.revised == ((one.clicks, one.unique_users) != (other.clicks, other.unique_users))
        assert one.final or not other.final
        assert hours_of(other) <= hours_of(one)
    assert not (kept.dropped and resolve_put(other, StoredDay(one, revision)).dropped)


@given(one=SOME_DAYS, other=SOME_DAYS, known=st.booleans())
def test_an_answer_to_refresh_a_day_is_never_dropped(
    one: DayClicks, other: DayClicks, *, known: bool
) -> None:
    """It replaces whatever the store has, with any time and state."""
    assert not resolve_put(one, StoredDay(other, 1), reader=READER if known else None, refresh=True).dropped


@pytest.mark.parametrize("final", [True, False])
def test_any_answer_wins_over_a_stamp_in_the_future(*, final: bool) -> None:
    """Such a time cannot be right; a small difference of clocks is accepted."""
    ahead = answer(after=READER.now - NOON + SKEW + TICK)
    new = answer(range(1, 25), final=final)
    assert resolve_put(new, StoredDay(ahead, 1), reader=READER) == PutResult(2, revised=True)
    near = attrs.evolve(ahead, fetched_at=READER.now + SKEW)
    assert resolve_put(new, StoredDay(near, 1), reader=READER).dropped


def test_the_reader_judges_whether_figures_are_final() -> None:
    """Figures that a wrong zone made final are replaced by later provisional ones; right ones are not."""
    early = DayClicks(FIRST, MOST, MOST, dt.datetime.combine(FIRST, dt.time(20), dt.UTC), final=True)
    later = attrs.evolve(early, fetched_at=early.fetched_at + dt.timedelta(hours=1), final=False)
    assert resolve_put(later, StoredDay(early, 1), reader=READER) == PutResult(1)
    assert resolve_put(later, StoredDay(early, 1), reader=attrs.evolve(READER, trusting=True)).dropped
    assert resolve_put(
        attrs.evolve(answer(), final=False), StoredDay(answer(), 1), reader=READER
    ) == PutResult(1, dropped=True)


@pytest.mark.parametrize("counts", [NOTHING, FEWER])
@pytest.mark.parametrize("refresh", [True, False])
def test_hours_go_only_when_that_is_confirmed(counts: tuple[int | None, ...], *, refresh: bool) -> None:
    """The first answer without them puts the figures in doubt; the second, a while later, replaces them."""
    since = NOON + dt.timedelta(hours=1)
    first = resolve_put(answer(counts, since - NOON), StoredDay(answer(), 3), reader=READER, refresh=refresh)
    assert first == PutResult(3, doubted_at=since)
    held = StoredDay(answer(), 3, since)
    soon = answer(counts, since - NOON + CONFIRMED_AFTER - TICK)
    assert resolve_put(soon, held, reader=READER, refresh=refresh) == PutResult(3, doubted_at=since)
    late = answer(counts, since - NOON + CONFIRMED_AFTER)
    assert resolve_put(late, held, reader=READER, refresh=refresh) == PutResult(4, revised=True)


def test_a_doubt_from_the_future_confirms_nothing() -> None:
    """It begins anew, so that it can be confirmed at all."""
    held = StoredDay(answer(), 1, READER.now + SKEW + TICK)
    new = answer(NOTHING, dt.timedelta(hours=1))
    assert resolve_put(new, held, reader=READER) == PutResult(1, doubted_at=new.fetched_at)


@pytest.mark.parametrize("held", [NOTHING, FEWER])
def test_more_hours_are_never_in_doubt(held: tuple[int | None, ...]) -> None:
    """Only hours that were reported can be missed."""
    assert resolve_put(answer(after=TICK), StoredDay(answer(held), 1), reader=READER) == PutResult(
        2, revised=True
    )


def test_an_answer_with_all_hours_ends_a_doubt() -> None:
    """It is kept like any other."""
    assert resolve_put(answer(after=TICK), StoredDay(answer(), 1, NOON), reader=READER) == PutResult(1)
