"""Sums of days: reported, not reported and not fetched stay distinct in every view and export."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.daily import DailyClicks, DailyCount
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import HourStatus
from hourlyclicks.model.targets import Account, Link
from tests.model.strategies import FIRST, NOON, TARGETS, ranges

LINK = Link("=1+1", "https://vvd.bz")
THREE = DateRange(FIRST, FIRST + dt.timedelta(days=2))


@st.composite
def daily_series(draw: st.DrawFn) -> DailySeries:
    """Draw a series with holes."""
    span = draw(ranges())
    counts = st.one_of(st.just((None, None)), st.tuples(st.integers(0, 2**40), st.integers(0, 3)))
    known = draw(st.sets(st.sampled_from(list(span))))
    days = []
    for date in sorted(known):
        clicks, users = draw(counts)
        days.append(DailyClicks(date, clicks, users, NOON, draw(st.booleans())))
    return DailySeries.of(draw(st.sampled_from(TARGETS)), span, days)


@given(daily_series())
def test_every_view_has_the_same_figures(series: DailySeries) -> None:
    """Iteration, columns, NumPy, rows, CSV and JSON Lines agree, and no hole becomes a zero."""
    counts = [(count.date, count.clicks, count.unique_users) for count in series]
    assert counts == [*zip(series.dates, series.clicks, series.unique_users, strict=True)]
    array = np.asarray(series.clicks)
    assert [None if math.isnan(value) else value for value in array] == series.clicks.tolist()
    assert series.total_clicks == np.nansum(array) == sum(day.clicks or 0 for day in series.days())
    rows = series.to_rows()
    assert [row["date"] for row in rows if row["status"] == "not_fetched"] == [
        str(date) for date in series.missing_days
    ]
    lines, objects = io.StringIO(newline=""), io.StringIO()
    series.write_csv(lines)
    series.write_jsonl(objects)
    assert [json.loads(line) for line in objects.getvalue().splitlines()] == rows
    shown = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
    assert [*csv.DictReader(io.StringIO(lines.getvalue(), newline=""))] == shown


@given(daily_series(), daily_series())
def test_equality_is_that_of_figures(one: DailySeries, other: DailySeries) -> None:
    """When days were fetched does not matter; their figures, states, range and target do."""
    later = [
        DailyClicks(day.date, day.clicks, day.unique_users, NOON + dt.timedelta(days=1), day.final)
        for day in one.days()
    ]
    copy = DailySeries.of(one.target, one.range, reversed(later))
    assert (one, hash(one)) == (copy, hash(copy))
    same = (one.target, one.range, [*one.days()]) == (other.target, other.range, [*other.days()])
    assert (one == other) is same


def test_a_series_of_three_days() -> None:
    """One is reported, one not reported, one not fetched."""
    silent = DailyClicks(FIRST, None, None, NOON, final=False)
    busy = DailyClicks(THREE.end, 7, 5, NOON, final=True)
    series = DailySeries.of(LINK, THREE, [busy, silent])
    middle = THREE[1]
    assert [*series] == [
        DailyCount(FIRST, None, None, HourStatus.NOT_REPORTED),
        DailyCount(middle, None, None, HourStatus.NOT_FETCHED),
        DailyCount(THREE.end, 7, 5, HourStatus.REPORTED),
    ]
    assert (len(series), series.missing_days, series.provisional_days) == (3, (middle,), (FIRST,))
    assert (series[str(THREE.end)], str(THREE.end) in series, middle in series) == (busy, True, False)
    assert (series.clicks[-1], series.clicks[:2], len(series.clicks)) == (7, (None, None), 3)
    assert repr(series.clicks) == "<DailyCounts of 3 days, 1 of them known>"
    assert repr(series) == (
        "<DailySeries 'https://vvd.bz/=1+1' 2024-02-25..2024-02-27: 7 clicks,"
        " 3 days (1 missing, 1 provisional)>"
    )


@pytest.mark.parametrize(("day", "message"), [(THREE[1], "was not fetched"), ("2024-03-01", "not in the")])
def test_a_day_that_is_not_there(day: dt.date | str, message: str) -> None:
    """A day without an answer, or out of range, is a KeyError, and cannot be added."""
    series = DailySeries.of(Account(), THREE, [])
    with pytest.raises(KeyError, match=message):
        series[day]
    with pytest.raises(UsageError, match="is not in the range"):
        DailySeries.of(Account(), THREE, [DailyClicks(dt.date(2024, 3, 1), 1, 1, NOON, final=True)])


def test_integers_need_every_day() -> None:
    """An array of integers has no value for a hole."""
    series = DailySeries.of(Account(), THREE, [DailyClicks(FIRST, 1, 1, NOON, final=True)])
    with pytest.raises(ValueError, match="has no value for a count that is not known"):
        np.asarray(series.clicks, dtype=int)
    assert np.asarray(series.clicks, dtype=object).tolist() == [1, None, None]
