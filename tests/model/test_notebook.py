from __future__ import annotations

import base64
import datetime as dt
import re
from typing import TYPE_CHECKING

import attrs

from hourlyclicks import BackfillReport, DateRange, DayClicks, Link, Plan, StopReason, TransportError
from hourlyclicks.model.scale import BLUES
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.pacing.eta import forecast
from tests.model.pngs import read

if TYPE_CHECKING:
    from tests.model.pngs import Picture

NAME = Link("</td><script>한글", "https://vvd.bz")
FETCHED = dt.datetime(2026, 1, 1, 6, tzinfo=dt.UTC)
GREY = (0x8D, 0x94, 0x9E, 255)
REPORT = BackfillReport(
    total=100,
    done=90,
    reused=3,
    failed=1,
    refused=0,
    remaining=6,
    revised=2,
    provisional=1,
    requests=99,
    retries=3,
    seconds=4567.8,
    stopped=StopReason.DEADLINE,
    resume_at=FETCHED,
)


def day(date: str, *counts: int | None, final: bool = True) -> DayClicks:
    """Return a day with counts from midnight on; other hours have 0."""
    clicks = (*counts, *[0] * (24 - len(counts)))
    return DayClicks(dt.date.fromisoformat(date), clicks, clicks, FETCHED, final)


def picture(html: str) -> Picture:
    """Return the pixels of the picture in a piece of HTML."""
    found = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert found is not None
    return read(base64.b64decode(found[1]))


def test_a_series_shows_its_figures_and_its_hours() -> None:
    """Its table has the figures, its picture a column a day; what is not known is grey."""
    days = [day("2025-04-01", 64, None, 16), day("2025-04-03", final=False)]
    html = merge_days(DateRange.of("2025-04-01", "2025-04-03"), days, target=NAME)._repr_html_()
    text = re.sub(r"<[^>]+>", "|", html)
    assert "&lt;/td&gt;&lt;script&gt;한글" in text
    assert "2025-04-01 to 2025-04-03 (2 of 3 fetched, 1 provisional)" in text
    assert ("|80|" in text, "|64 on 2025-04-01, 00:00|" in text) == (True, True)
    shown = picture(html)
    blues = [(*bytes.fromhex(colour[1:]), 255) for colour in BLUES]
    assert (shown.width, len(shown.rows)) == (3, 24)
    assert [row[0] for row in shown.rows[:4]] == [blues[7], GREY, blues[4], blues[0]]
    assert [row[1] for row in shown.rows] == [GREY] * 24
    assert [row[2] for row in shown.rows] == [blues[0]] * 24


def test_a_long_series_stays_small() -> None:
    """Ten years have no more columns than 400 days, each the mean of several days."""
    dates = DateRange.of("2016-01-01", "2025-12-31")
    days = [day(str(date), date.toordinal() % 7) for date in dates]
    html = merge_days(dates, days, target=NAME)._repr_html_()
    assert picture(html).width == -(-len(dates) // 10)
    assert len(html) < 8000


def test_a_day_shows_bars() -> None:
    """The bar of the busiest hour is the highest, an hour without clicks has none, an unknown one is grey."""
    html = day("2025-04-01", 10, None, 5, final=False)._repr_html_()
    assert "2025-04-01 (provisional: may still change)" in html
    assert "23 of 24" in html
    columns = list(zip(*picture(html).rows, strict=True))
    clear = (0, 0, 0, 0)
    assert [column.count(clear) for column in columns[:4]] == [0, 0, 12, 24]
    assert set(columns[1]) == {GREY}


def test_an_estimate_shows_what_it_costs() -> None:
    """Requests, their time, and what decides it."""
    html = forecast(3650, Plan.PERSONAL.limits)._repr_html_()
    assert [word in html for word in ("3,650", "Requests", "rate")] == [True] * 3


def test_a_report_of_a_backfill_leaves_out_what_did_not_happen() -> None:
    """Counts of zero are not shown, an error is."""
    html = REPORT._repr_html_()
    assert "deadline after 1 h 16 min" in html
    assert "from 2026-01-01 06:00 UTC on" in html
    assert ("Remaining" in html, "Rejected" in html, "Error" in html) == (True, False, False)
    failed = attrs.evolve(REPORT, error=TransportError("<b>no answer</b>", kind="timeout"), resume_at=None)
    assert "TransportError: &lt;b&gt;no answer&lt;/b&gt;" in failed._repr_html_()


def test_nothing_depends_on_the_notebook() -> None:
    """Pictures have a text, and no style but their own: no class, no script, no request."""
    shown = [
        day("2025-04-01", 1)._repr_html_(),
        REPORT._repr_html_(),
        forecast(1, Plan.PERSONAL.limits)._repr_html_(),
    ]
    assert 'alt="' in shown[0]
    for html in shown:
        assert not re.search(r"class=|<script|<style|https?:|color:(?!inherit)", html)
