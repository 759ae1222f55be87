from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, cast

import pytest

from hourlyclicks import DateRange, DayClicks, Link, UsageError
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.render.page import choice
from hourlyclicks.render.page.choice import choose
from tests.render.page.samples import FETCHED, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks import HourlySeries


def with_clicks(number: int, name: str) -> HourlySeries:
    """Return a year with so many clicks in its first hour."""
    days = DateRange.of("2024-01-01", "2024-12-31")
    counts = (number, *[0] * 23)
    first = DayClicks(days.start, counts, counts, FETCHED, final=True)
    return merge_days(days, [first], target=Link(name, "https://vvd.bz"))


def test_all_series_are_shown_in_their_order() -> None:
    """Up to the limit, each is there in full, and its row leads to it."""
    given = [with_clicks(number, f"n{number}") for number in (1, 3, 2)]
    chosen = choose(iter(given))
    assert chosen.series == tuple(given)
    assert chosen.complete
    assert [(row.clicks, row.place) for row in chosen.rows] == [(1, 0), (3, 1), (2, 2)]
    assert choose(given[0]).series == (given[0],)


def test_of_too_many_the_busiest_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others have a row in the summary, below them, as long as there is room."""
    monkeypatch.setattr(choice, "MOST_YEARS", 2)
    monkeypatch.setattr(choice, "MOST_ROWS", 4)
    chosen = choose(with_clicks(number, f"n{number}") for number in (5, 1, 9, 7, 3))
    assert [series.total_clicks for series in chosen.series] == [9, 7]
    assert [(row.clicks, row.place) for row in chosen.rows] == [(9, 0), (7, 1), (5, None), (3, None)]
    assert (chosen.total, chosen.complete) == (5, False)


def test_one_long_series_is_always_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page about nothing would help no reader."""
    monkeypatch.setattr(choice, "MOST_YEARS", 1)
    assert len(choose(nothing("2001-01-01", "2020-12-31")).series) == 1


def test_what_is_not_shown_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """While many series pass by, no more than those that are shown are in memory."""
    monkeypatch.setattr(choice, "MOST_YEARS", 3)
    passed: list[weakref.ref[HourlySeries]] = []

    def passing() -> Iterator[HourlySeries]:
        for number in range(20):
            assert sum(each() is not None for each in passed) <= 3
            series = with_clicks(number, f"n{number}")
            passed.append(weakref.ref(series))
            yield series
            del series

    assert len(choose(passing()).series) == 3


def test_what_is_no_series_is_refused() -> None:
    """So is a report about none."""
    with pytest.raises(UsageError, match="at least one series"):
        choose([])
    with pytest.raises(UsageError, match="made of HourlySeries, not of HourClicks"):
        choose(cast("Any", iter(with_clicks(1, "a"))))
