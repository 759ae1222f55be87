from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    ServerError,
    StoreError,
    TransportError,
    UsageError,
)
from hourlyclicks.model.day import HOURS, DayClicks
from hourlyclicks.store.ledger import (
    SETTLED,
    STALE_AFTER,
    DayState,
    Kept,
    Mark,
    Reason,
    day_of,
    is_due,
    rows_of,
    state_of,
    target_of,
    weigh,
)
from tests.model.strategies import FIRST, NOON, TARGETS, a_day, days

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.targets import Target

SEOUL = ZoneInfo("Asia/Seoul")
TICK = dt.datetime.resolution
SOME_DAYS = days(st.just(FIRST))


def a_mark(state: DayState, asked_at: dt.datetime = NOON) -> Mark:
    """Make the mark of a day."""
    return Mark(FIRST, state, asked_at, 1, 1)


@given(SOME_DAYS)
def test_a_day_survives_its_rows(day: DayClicks) -> None:
    """The rows of a day make the same day again."""
    rows = rows_of(day)
    flat = [cell for row in rows for cell in row]
    assert day_of(day.date, flat, len(rows), day.fetched_at, final=day.final) == day


@given(SOME_DAYS)
def test_only_reported_hours_have_rows(day: DayClicks) -> None:
    """An hour that was not reported has none, and each other one has one, in order."""
    hours = [hour for hour, _, _ in rows_of(day)]
    assert hours == [hour.hour for hour in day if hour.clicks is not None]


@given(SOME_DAYS, st.integers(0, HOURS))
def test_a_wrong_number_of_rows_is_no_day(day: DayClicks, hours: int) -> None:
    """Only as many rows as were written make a day."""
    rows = rows_of(day)
    flat = [cell for row in rows for cell in row]
    if hours == len(rows):
        return
    with pytest.raises(StoreError, match="in part only"):
        day_of(day.date, flat, hours, day.fetched_at, final=day.final)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (a_day(FIRST), DayState.FINAL),
        (a_day(FIRST, final=False), DayState.PROVISIONAL),
        (DayClicks(FIRST, (0,) * HOURS, (0,) * HOURS, NOON, final=True), DayState.FINAL),
        (DayClicks(FIRST, (None,) * HOURS, (None,) * HOURS, NOON, final=True), DayState.EMPTY),
        (DayClicks(FIRST, (None,) * HOURS, (None,) * HOURS, NOON, final=False), DayState.PROVISIONAL),
    ],
)
def test_an_answer_has_a_state(day: DayClicks, state: DayState) -> None:
    """Zeros are figures; a day without any is empty only when no more can come."""
    assert state_of(day) is state


@given(SOME_DAYS)
def test_the_first_answer_is_kept(day: DayClicks) -> None:
    """Whatever it is."""
    assert weigh(day, None, 0) == Kept(1)


@given(SOME_DAYS, st.integers(1, 9))
def test_an_answer_that_comes_twice_changes_nothing(day: DayClicks, revision: int) -> None:
    """It is no revision, and nothing is dropped."""
    assert weigh(day, day, revision) == Kept(revision)


@given(SOME_DAYS, SOME_DAYS, st.integers(1, 9))
def test_one_of_two_answers_is_kept(one: DayClicks, other: DayClicks, revision: int) -> None:
    """A final one before a provisional one, else the later one; never a final one dropped for another."""
    kept = weigh(one, other, revision)
    if kept.dropped:
        assert kept == Kept(revision, dropped=True)
        assert other.final or not one.final
    else:
        assert kept.revision == revision + kept.revised
        assert kept.revised == (rows_of(one) != rows_of(other))
        assert one.final or not other.final
    assert not (kept.dropped and weigh(other, one, revision).dropped)


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (DayState.FINAL, False),
        (DayState.EMPTY, False),
        (DayState.PROVISIONAL, True),
        (DayState.FAILED, True),
        (DayState.REFUSED, False),
    ],
)
@pytest.mark.parametrize("zone", [None, SEOUL, dt.UTC])
def test_old_days_are_due_by_their_state(state: DayState, due: bool, zone: dt.tzinfo | None) -> None:  # noqa: FBT001 - from the table
    """Of days asked for long ago those are due that failed or can have changed."""
    later = NOON + dt.timedelta(days=365)
    assert is_due(a_mark(state), later, zone) is due
    assert is_due(a_mark(state), later, zone, refused=True) is (due or state is DayState.REFUSED)


def test_a_day_nobody_asked_for_is_due() -> None:
    """At any time."""
    assert is_due(None, NOON)


def test_a_failed_day_is_due_at_once() -> None:
    """It need not get old."""
    assert is_due(a_mark(DayState.FAILED), NOON)


@pytest.mark.parametrize("state", SETTLED)
def test_a_settled_day_is_never_due(state: DayState) -> None:
    """Not even if refused days are wanted."""
    assert not is_due(a_mark(state), dt.datetime.max.replace(tzinfo=dt.UTC), refused=True)


def test_a_provisional_day_is_due_when_it_is_stale() -> None:
    """Not a moment earlier."""
    asked = dt.datetime.combine(FIRST, dt.time(9), SEOUL)
    mark = a_mark(DayState.PROVISIONAL, asked)
    assert not is_due(mark, asked, SEOUL)
    assert not is_due(mark, asked + STALE_AFTER - TICK, SEOUL)
    assert is_due(mark, asked + STALE_AFTER, SEOUL)


def test_a_provisional_day_is_due_when_it_became_final() -> None:
    """An hour after it ended, even if it was asked for a moment before; where that is depends on the zone."""
    over = dt.datetime.combine(FIRST + dt.timedelta(days=1), dt.time(1), SEOUL)
    mark = a_mark(DayState.PROVISIONAL, over - dt.timedelta(minutes=1))
    assert not is_due(mark, over - TICK, SEOUL)
    assert is_due(mark, over, SEOUL)
    assert not is_due(mark, over)


@pytest.mark.parametrize(
    ("error", "reason", "shown"),
    [
        (
            ApiError("no such link", code=404, status=200),
            Reason("ApiError", "no such link", 404, 200),
            "the API answered code 404: no such link",
        ),
        (
            ApiError("", code=None, status=422),
            Reason("ApiError", "", None, 422),
            "a gateway or another server (check base_url), not the API, answered HTTP 422",
        ),
        (
            ServerError("HTTP 503", status=503, retryable=True),
            Reason("ServerError", "HTTP 503", None, 503),
            "HTTP 503",
        ),
        (TransportError("reset", kind="disconnected"), Reason("TransportError", "reset"), "reset"),
        (AuthenticationError("no", status=401), Reason("AuthenticationError", "no", None, 401), "no"),
        (DecodeError(("a", "b"), retryable=True), Reason("DecodeError", "a; b"), "a; b"),
    ],
)
def test_a_reason_says_what_the_error_said(error: HourlyClicksError, reason: Reason, shown: str) -> None:
    """The words are those of the error, and its numbers are kept."""
    assert Reason.of(error) == reason
    assert (str(reason), str(error)) == (shown, shown)


@pytest.mark.parametrize("error", [ApiError("no", code=7, status=200), ApiError("", code=None, status=404)])
def test_a_refusal_becomes_an_error_again(error: ApiError) -> None:
    """With everything it knew."""
    again = Reason.of(error).as_error()
    known = ("code", "message", "status", "args")
    assert [getattr(again, name) for name in known] == [getattr(error, name) for name in known]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_read_as_it_was_written(target: Target) -> None:
    """From its text."""
    assert target_of(str(target)) == target


@pytest.mark.parametrize("text", ["", "everything", "group x", "vvd.bz/kYdr", "ftp://vvd.bz/kYdr"])
def test_a_target_that_is_none_is_no_mistake_of_the_caller(text: str) -> None:
    """It is the store that is wrong."""
    with pytest.raises(StoreError, match="is no target") as caught:
        target_of(text)
    assert not isinstance(caught.value, UsageError)
