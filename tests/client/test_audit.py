"""An audit: what is compared, what happens to a day that differs, and what it costs."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import AuditDifference, DailySeries, DateRange, UsageError
from hourlyclicks.events import DayDiffers
from hourlyclicks.model.audit import compare
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.simulator import Rule, Script, Status
from tests.client.stories import END, LINK, START, free, simulate
from tests.model.strategies import FIRST, NOON, TARGETS, days

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks import Client
    from hourlyclicks.events import Event
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.simulator import VirtualClock

BY_DATE = "clicks-by-date/v2"
CHANGED = dt.date(2024, 3, 9)
WEEK = DateRange(FIRST, FIRST + dt.timedelta(6))


def change_a_cell(path: Path, day: dt.date, *, by: int) -> None:
    """Change the clicks of one hour of a day, as a broken program might."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE days SET clicks = json_set(clicks, '$[12]', json_extract(clicks, '$[12]') + ?)"
            " WHERE date = ?",
            (by, str(day)),
        )


def test_a_changed_cell_is_found_and_fetched_again(tmp_path: Path) -> None:
    """The audit names exactly that day, and the next backfill asks for it alone."""
    path = tmp_path / "clicks.db"
    events: list[Event] = []
    upstream = free(plan="enterprise")

    async def fill(client: Client, _clock: VirtualClock) -> None:
        await client.backfill(START, END, [LINK])
        assert (await client.audit(START, END, LINK)).agrees

    async def check(client: Client, clock: VirtualClock) -> None:
        await clock.sleep(60)  # it begins like the first run
        before = upstream.counters.requests
        report = await client.audit(START, END, LINK)
        assert upstream.counters.requests == before  # the sums are in the store
        (difference,) = report.differences
        assert (difference.date, difference.by_hour - difference.by_date) == (CHANGED, 5)
        assert (report.matching, report.unchecked, report.agrees) == (30, (), False)
        assert [event for event in events if isinstance(event, DayDiffers)] == [
            DayDiffers(day=CHANGED, target=LINK, by_hour=difference.by_hour, by_date=difference.by_date)
        ]
        again = await client.audit(START, END, LINK)
        assert (again.differences, again.unchecked) == ((), (CHANGED,))
        series = await client.backfill(START, END, [LINK])
        assert (series.requests, series.revised) == (1, 1)
        assert (await client.audit(START, END, LINK)).matching == 31

    simulate(upstream, fill, store=path)
    change_a_cell(path, CHANGED, by=5)
    simulate(upstream, check, store=path, on_event=events.append)


def test_only_days_with_hours_cost_requests(tmp_path: Path) -> None:
    """A store without hours of a target costs none; days without a sum are not compared."""
    upstream = free(plan="enterprise")

    async def main(client: Client, _clock: VirtualClock) -> None:
        report = await client.audit(START, END, LINK)
        assert (upstream.counters.requests, report.matching, len(report.unchecked)) == (0, 0, 31)
        await client.backfill("2024-03-05", "2024-03-08", [LINK])
        report = await client.audit(START, END, LINK)
        assert (upstream.counters.requests, report.matching, len(report.unchecked)) == (5, 4, 27)
        upstream.faults = Script(Rule(Status(503), endpoint=BY_DATE))
        report = await client.audit(START, END, LINK, refresh=True)
        assert (report.matching, len(report.unchecked)) == (0, 31)
        assert {day.day for day in report.failures} == {5, 6, 7, 8}
        assert report.as_dict()["failures"][0]["date"] == "2024-03-05"

    simulate(upstream, main, store=tmp_path / "clicks.db")


def test_an_audit_needs_a_store() -> None:
    """Without one there is nothing to compare."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(UsageError, match="an audit needs a store"):
            await client.audit(START, END, LINK)

    simulate(free(), main)


@given(
    hours=st.lists(days(st.sampled_from(list(WEEK))), max_size=7, unique_by=lambda day: day.date),
    sums=st.dictionaries(
        st.sampled_from(list(WEEK)), st.tuples(st.sampled_from([None, -1, 0, 1]), st.booleans())
    ),
)
def test_each_day_is_in_one_part_of_the_report(
    hours: list[DayClicks], sums: dict[dt.date, tuple[int | None, bool]]
) -> None:
    """Days agree, differ or are not compared; unique users and unfinished days never make a difference."""
    known = {day.date: day for day in hours}

    def clicks(date: dt.date, off: int | None) -> int | None:
        if off is None:
            return None
        return max(0, off + (known[date].total_clicks if date in known else 0))

    daily = [
        DailyClicks(date, total, total, NOON, final)
        for date, (off, final) in sums.items()
        for total in [clicks(date, off)]
    ]
    report = compare(known, DailySeries.of(TARGETS[0], WEEK, daily))
    differing = {day.date: day for day in report.differences}
    assert report.matching + len(differing) + len(report.unchecked) == 7
    assert {*report.unchecked}.isdisjoint(differing)
    totals = {day.date: day for day in daily}
    for date in WEEK:
        comparable = date in known and date in totals and known[date].final and totals[date].final
        assert (date in report.unchecked) is not comparable
        if comparable:
            by_hour, by_date = known[date].total_clicks, totals[date].clicks or 0
            expected = None if by_hour == by_date else AuditDifference(date, by_hour, by_date)
            assert differing.get(date) == expected
    assert set(attrs.asdict(report)) >= {"matching", "differences"}
    assert len(report.as_dict()["differences"]) == len(differing)
