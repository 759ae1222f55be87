from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

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
    DayState,
    Failure,
    LedgerEntry,
    day_of,
    state_of,
    target_of,
)
from tests.model.strategies import FIRST, NOON, TARGETS, a_day, days

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.targets import Target

SOME_DAYS = days(st.just(FIRST))


def remade(day: DayClicks, hours: int) -> DayClicks:
    """Make a day of the cells of another one."""
    return day_of(
        day.date, day.clicks, day.unique_users, hours=hours, fetched_at=day.fetched_at, final=day.final
    )


@given(SOME_DAYS)
def test_a_day_survives_its_row(day: DayClicks) -> None:
    """The cells of a day make the same day again."""
    assert remade(day, day.reported_hours) == day


def test_a_day_without_hours_needs_no_counts() -> None:
    """It is made of its row alone."""
    empty = (None,) * HOURS
    day = day_of(FIRST, None, None, hours=0, fetched_at=NOON, final=True)
    assert day == DayClicks(FIRST, empty, empty, NOON, final=True)


@given(SOME_DAYS, st.integers(0, HOURS))
def test_a_wrong_number_of_hours_is_no_day(day: DayClicks, hours: int) -> None:
    """Only as many counts as were written make a day."""
    if hours == day.reported_hours:
        return
    with pytest.raises(StoreError, match="only a part"):
        remade(day, hours)


@pytest.mark.parametrize("counts", [(1,) * 23, (1,) * 25, None])
def test_a_wrong_number_of_counts_is_no_day(counts: tuple[int, ...] | None) -> None:
    """A day has 24."""
    with pytest.raises(StoreError, match="only a part"):
        day_of(FIRST, (1,) * HOURS, counts, hours=HOURS, fetched_at=NOON, final=True)


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


def test_a_day_was_last_asked_for_when_it_was_doubted() -> None:
    """A doubt is newer than the figures it is about, unless a clock was wrong."""
    later = NOON + dt.timedelta(days=1)
    assert LedgerEntry(FIRST, DayState.PROVISIONAL, NOON, 1, 1).last_asked == NOON
    assert LedgerEntry(FIRST, DayState.PROVISIONAL, NOON, 1, 1, doubted_at=later).last_asked == later
    assert LedgerEntry(FIRST, DayState.PROVISIONAL, later, 1, 1, doubted_at=NOON).last_asked == later


@pytest.mark.parametrize(
    ("error", "reason", "shown"),
    [
        (
            ApiError("no such link", code=404, status=200),
            Failure("ApiError", "no such link", 404, 200),
            "the API answered code 404: no such link",
        ),
        (
            ApiError("", code=None, status=422),
            Failure("ApiError", "", None, 422),
            "a gateway or another server (check base_url), not the API, answered HTTP 422",
        ),
        (
            ServerError("HTTP 503", status=503, retryable=True),
            Failure("ServerError", "HTTP 503", None, 503),
            "HTTP 503",
        ),
        (TransportError("reset", kind="disconnected"), Failure("TransportError", "reset"), "reset"),
        (AuthenticationError("no", status=401), Failure("AuthenticationError", "no", None, 401), "no"),
        (DecodeError(("a", "b"), retryable=True), Failure("DecodeError", "a; b"), "a; b"),
    ],
)
def test_a_reason_says_what_the_error_said(error: HourlyClicksError, reason: Failure, shown: str) -> None:
    """The failure has the words of the error and its numbers."""
    assert Failure.of(error) == reason
    assert (str(reason), str(error)) == (shown, shown)


@pytest.mark.parametrize("error", [ApiError("no", code=7, status=200), ApiError("", code=None, status=404)])
def test_a_refusal_becomes_an_error_again(error: ApiError) -> None:
    """With everything it knew."""
    again = Failure.of(error).as_error()
    known = ("code", "message", "status", "args")
    assert [getattr(again, name) for name in known] == [getattr(error, name) for name in known]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_read_as_it_was_written(target: Target) -> None:
    """From its text."""
    assert target_of(str(target)) == target


@pytest.mark.parametrize("text", ["", "everything", "group x", "vvd.bz/kYdr", "ftp://vvd.bz/kYdr"])
def test_a_target_that_is_none_is_no_mistake_of_the_caller(text: str) -> None:
    """It is an error of the store."""
    with pytest.raises(StoreError, match="is no target") as caught:
        target_of(text)
    assert not isinstance(caught.value, UsageError)
