"""Rows of hours, days, weeks and months, in CSV and JSON Lines."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.frames.layouts import (
    daily_layout,
    hourly_layout,
    period_layout,
    wide_layout,
)
from hourlyclicks.model.frames.text_rows import write_csv_header, write_csv_rows, write_json_rows
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account
from tests.model.frames.sample import AT, LINK, a_series
from tests.model.strategies import FITTING, series

if TYPE_CHECKING:
    from hourlyclicks.model.frames.layouts import Layout
    from hourlyclicks.model.series import HourlySeries

LAYOUTS = [
    hourly_layout(),
    hourly_layout(dt.UTC),
    wide_layout(),
    *map(period_layout, ("day", "week", "month")),
]
FIRST = dt.date(2025, 3, 31)


def as_csv(layout: Layout, known: HourlySeries) -> list[dict[str, str]]:
    """Return the rows of the CSV of a series."""
    out = io.StringIO()
    write_csv_header(layout.text_fields, out)
    write_csv_rows(layout.table(known), layout.text_fields, out)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def as_json(layout: Layout, known: HourlySeries) -> list[dict[str, object]]:
    """Return the objects of the JSON Lines of a series."""
    out = io.StringIO()
    write_json_rows(layout.table(known), layout.text_fields, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def three_days() -> HourlySeries:
    """Return a day with three hours, one without any, and one that was not fetched, around a new month."""
    hours = (5, None, 0, 7, *[None] * 20)
    reported = DayClicks(FIRST, hours, hours, AT, final=True)
    empty = DayClicks(FIRST + dt.timedelta(1), (None,) * 24, (None,) * 24, AT, final=False)
    days = DateRange(FIRST, FIRST + dt.timedelta(2))
    return merge_days(days, [reported, empty], target=Account())


@given(known=series(most=FITTING), place=st.integers(0, len(LAYOUTS) - 1))
def test_each_layout_has_as_many_rows_as_it_says(known: HourlySeries, place: int) -> None:
    """The number is known before anything is read, and each format has the columns of the table."""
    layout = LAYOUTS[place]
    table = layout.table(known)
    assert table.fields == layout.fields
    assert len(table) == layout.count_rows(known.range)
    assert [len(column) for column in table.columns] == [len(table)] * len(table.columns)
    names = [field.name for field in layout.text_fields]
    assert all(list(row) == names for row in as_json(layout, known))


@given(known=series())
def test_hours_are_those_of_the_fast_way(known: HourlySeries) -> None:
    """Rows of hours that go through a table are the ones that a series writes itself."""
    quick, slow = io.StringIO(), io.StringIO()
    layout = hourly_layout()
    known.write_csv(quick)
    write_csv_header(layout.text_fields, slow)
    write_csv_rows(layout.table(known), layout.text_fields, slow)
    assert slow.getvalue() == quick.getvalue()
    quick, slow = io.StringIO(), io.StringIO()
    known.write_jsonl(quick)
    write_json_rows(layout.table(known), layout.text_fields, slow)
    assert slow.getvalue() == quick.getvalue()


@given(known=series(most=FITTING), period=st.sampled_from(["day", "week", "month"]))
def test_sums_are_of_clicks_only(known: HourlySeries, period: str) -> None:
    """The sums add up to the clicks of the series, and there is no column of unique users."""
    rows = as_json(period_layout(period), known)
    assert "unique_users" not in rows[0]
    clicks = [row["clicks"] for row in rows if isinstance(row["clicks"], int)]
    assert sum(clicks) == known.total_clicks
    fetched = [row["fetched_days"] for row in rows if isinstance(row["fetched_days"], int)]
    assert sum(fetched) == len(known.range) - len(known.missing_days)


def test_a_sum_tells_what_is_in_it() -> None:
    """No hour reported, no day fetched, and zero clicks are three different rows."""
    rows = as_csv(period_layout("day"), three_days())
    assert [tuple(row.values()) for row in rows] == [
        ("account", "2025-03-31", "12", "1", "1", "3", "true"),
        ("account", "2025-04-01", "", "1", "1", "0", "false"),
        ("account", "2025-04-02", "", "1", "0", "0", "false"),
    ]
    assert [*rows[0]] == ["target", "date", "clicks", "days", "fetched_days", "reported_hours", "final"]
    months = as_csv(period_layout("month"), three_days())
    assert [tuple(row.values())[1:] for row in months] == [
        ("2025-03-01", "12", "31", "1", "3", "false"),
        ("2025-04-01", "", "30", "1", "0", "false"),
    ]
    [week] = as_csv(period_layout("week"), three_days())
    assert tuple(week.values())[1:] == ("2025-03-31", "12", "7", "2", "3", "false")


def test_a_sum_beyond_a_column_is_a_sentence() -> None:
    """No sum is cut off."""
    hours = (2**63 - 1,) * 24
    day = DayClicks(FIRST, hours, hours, AT, final=True)
    known = merge_days(DateRange(FIRST, FIRST), [day], target=Account())
    with pytest.raises(UsageError, match="do not fit into a column: take hours"):
        as_csv(period_layout("day"), known)
    assert as_csv(wide_layout(), known)[0]["h23"] == str(2**63 - 1)


def test_a_wide_row_has_the_hours_of_a_day() -> None:
    """What is not known is empty, and a status tells why."""
    rows = as_csv(wide_layout(), three_days())
    assert [*rows[0]] == ["target", "date", *[f"h{hour:02}" for hour in range(24)], "status", "final"]
    assert [row["h00"] + "," + row["h01"] + "," + row["h02"] + "," + row["h03"] for row in rows] == [
        "5,,0,7",
        ",,,",
        ",,,",
    ]
    assert [row["status"] for row in rows] == ["reported", "not_reported", "not_fetched"]
    assert [row["final"] for row in rows] == ["true", "false", ""]


@given(known=series())
def test_wide_rows_are_the_series(known: HourlySeries) -> None:
    """Each count is in the row of its day and the column of its hour."""
    rows = as_json(wide_layout(), known)
    assert [[row[f"h{hour:02}"] for hour in range(24)] for row in rows] == known.clicks.tolist()


def test_a_moment_has_its_offset() -> None:
    """An hour that the clock skipped has no moment, and a repeated one the first."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - one test

    rows = as_csv(hourly_layout(ZoneInfo("Europe/Berlin")), a_series())
    times = {(row["date"], row["hour"]): row["time"] for row in rows}
    assert times["2025-03-30", "1"] == "2025-03-30T01:00:00+01:00"
    assert times["2025-03-30", "2"] == ""
    assert times["2025-03-30", "3"] == "2025-03-30T03:00:00+02:00"
    assert times["2025-10-26", "2"] == "2025-10-26T02:00:00+02:00"
    assert {row["target"] for row in rows} == {str(LINK)}


def test_sums_of_days_keep_their_columns() -> None:
    """CSV and JSON Lines have the columns that a series of days writes."""
    assert [field.name for field in daily_layout().text_fields] == [
        "target",
        "date",
        "clicks",
        "unique_users",
        "status",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_text_is_no_formula_in_csv(text: str) -> None:
    """A spreadsheet would run it, so it begins with an apostrophe there; JSON has it as it is."""
    known = three_days()
    layout = period_layout("month")
    table = layout.table(known)
    from hourlyclicks.model.frames.table import Column, Table  # noqa: PLC0415 - made here only

    odd = Table((Column(table.fields[0], table.columns[0].values, labels=(text,)), *table.columns[1:]))
    out = io.StringIO()
    write_csv_rows(odd, layout.fields, out)
    assert next(csv.reader(io.StringIO(out.getvalue())))[0] == f"'{text}"
    out = io.StringIO()
    write_json_rows(odd, layout.fields, out)
    assert json.loads(out.getvalue().splitlines()[0])["target"] == text
