from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given

from hourlyclicks.model.day import HOURS
from hourlyclicks.render.page.hours import FINAL, MISSING, PROVISIONAL, Hours
from tests.model.strategies import series
from tests.render.page.samples import a_year

if TYPE_CHECKING:
    from hourlyclicks import HourlySeries


@given(series())
def test_what_is_known_of_a_series_is_kept(given_series: HourlySeries) -> None:
    """States, sums of days and means of weekdays are those that the values of the hours give."""
    hours = Hours(given_series)
    fetched = {day.date: day for day in given_series.days()}
    for place, date in enumerate(given_series.range):
        day = fetched.get(date)
        state = MISSING if day is None else FINAL if day.final else PROVISIONAL
        assert hours.states[place] == state
        assert hours.by_day[place] == (day.total_clicks if day is not None and day.reported_hours else None)
    for weekday, row in enumerate(hours.by_weekday()):
        for hour, mean in enumerate(row):
            known = [
                each.clicks[hour]
                for each in fetched.values()
                if each.date.weekday() == weekday and each.clicks[hour] is not None
            ]
            assert mean == (sum(filter(None, known)) / len(known) if known else None)
    assert hours.not_reported == sum(HOURS - day.reported_hours for day in fetched.values())


def test_the_busiest_hours_and_days() -> None:
    """The five largest, and none without clicks."""
    hours, whole = Hours(a_year()), a_year()
    clicks = sorted((hour.clicks or 0 for hour in whole), reverse=True)
    assert [count for _, _, count, _ in hours.busiest_hours()] == clicks[:5]
    assert [count for _, count in hours.busiest_days()] == sorted(
        (day.total_clicks for day in whole.days()), reverse=True
    )[:5]
    peak = whole.peak
    assert peak is not None
    assert hours.busiest_hours()[0] == (peak.date, peak.hour, peak.clicks, peak.unique_users)
