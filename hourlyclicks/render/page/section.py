"""What the page says about one series, as text and figures that the template only places."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from hourlyclicks.model.quantities import count
from hourlyclicks.model.scale import shade
from hourlyclicks.render.page.english import compact, short, stretches, with_weekday
from hourlyclicks.render.page.heatmap import heatmaps
from hourlyclicks.render.page.hours import MISSING, PROVISIONAL, Hours
from hourlyclicks.render.page.pack import packed
from hourlyclicks.render.page.trend import trend
from hourlyclicks.render.tables import WEEKDAYS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.render.page.heatmap import Heatmap
    from hourlyclicks.render.page.trend import Trend

NONE = "–"
"""Stands for a figure that there is not."""

_FEW, _MANY = 10, 1000
_EPOCH = 719_163
"""The number of 1 January 1970 among the days since the year 1."""


@attrs.frozen
class Figure:
    """A key figure.

    Args:
        name: what it is.
        value: the figure.
        note: what belongs to it.
    """

    name: str
    value: str
    note: str


@attrs.frozen
class Cell:
    """An hour of the week.

    Args:
        text: its mean clicks, in few characters.
        shade: its colour, 0 to 7; ``None``: no such hour has figures.
    """

    text: str
    shade: int | None


class Section:
    """What is said about one series.

    Args:
        place: its index on the page.
        series: the series.

    Attributes:
        name: its target.
        start: the number of its first day since 1 January 1970.
        days: how many days it has.
        data: all its figures, for the script.
    """

    bar: ClassVar = {
        1: "Clicks a day",
        7: "Clicks a day, mean of each week",
        28: "Clicks a day, mean of 4 weeks",
    }
    """The title of the figure by the days of a bar."""

    line: ClassVar = {1: "mean of 7 days", 7: "mean of 7 weeks", 28: "mean of 28 weeks"}
    """The name of the line by the days of a bar."""

    def __init__(self, place: int, series: HourlySeries) -> None:
        self.place = place
        self.name = str(series.target)
        self.range = series.range
        self.start = series.range.start.toordinal() - _EPOCH
        self.days = len(series.range)
        self._series = series
        self._hours = Hours(series)
        self._packed = packed(self._hours)
        self.data = self._packed.text

    def figures(self) -> Iterator[Figure]:
        """Yield the key figures."""
        hours, series = self._hours, self._series
        missing = len(series.missing_days)
        known = hours.known_days
        fetched = self.days - missing
        yield Figure(
            "Clicks",
            f"{series.total_clicks:,}" if known else NONE,
            f"{compact(series.total_clicks / known)} a day" if known else "no day has figures",
        )
        yield Figure(
            "Days fetched",
            f"{fetched:,} of {self.days:,}",
            f"{missing:,} missing" if missing else "none is missing",
        )
        peak = series.peak
        yield Figure(
            "Busiest hour",
            NONE if peak is None else f"{peak.clicks:,}",
            "no hour has figures" if peak is None else f"{short(peak.date)}, {peak.hour:02}:00",
        )
        best = next(iter(hours.busiest_days()), None)
        yield Figure(
            "Busiest day",
            NONE if best is None else f"{best[1]:,}",
            "no day has clicks" if best is None else with_weekday(best[0]),
        )
        yield Figure("Hours not reported", f"{hours.not_reported:,}", "of fetched days")
        provisional = len(series.provisional_days)
        later = "may still change" if provisional else "all are final" if fetched else "no day was fetched"
        yield Figure("Provisional days", f"{provisional:,}", later)

    def heatmaps(self) -> list[Heatmap]:
        """Return the pictures of every hour."""
        return list(heatmaps(self._hours))

    def trend(self) -> Trend:
        """Return the figure of the clicks a day."""
        return trend(self._hours)

    @property
    def end(self) -> str:
        """The clicks at the dark end of the scale, in words."""
        peak = max(self._hours.clicks)
        return f"{'≥ ' if peak > self._hours.end else ''}{compact(self._hours.end)}"

    @property
    def known(self) -> bool:
        """Whether any hour has figures."""
        return 1 in self._hours.reported

    @property
    def unreported(self) -> bool:
        """Whether any hour of a fetched day has no figures."""
        return self._hours.not_reported > 0

    @property
    def missing(self) -> bool:
        """Whether any day was not fetched."""
        return MISSING in self._hours.states

    @property
    def provisional(self) -> bool:
        """Whether any day may still change."""
        return PROVISIONAL in self._hours.states

    def week(self) -> list[tuple[str, list[Cell]]]:
        """Return the name of each weekday and its 24 hours."""
        table = self._hours.by_weekday()
        most = max((mean for row in table for mean in row if mean is not None), default=0)
        cells = [[self._cell(mean, most) for mean in row] for row in table]
        return list(zip(WEEKDAYS, cells, strict=True))

    @staticmethod
    def _cell(mean: float | None, most: float) -> Cell:
        if mean is None:
            return Cell(NONE, None)
        fine = mean < _FEW and mean != int(mean)
        text = f"{mean:.1f}" if fine else f"{mean:.0f}" if mean < _MANY else compact(mean)
        return Cell(text, shade(round(mean * _MANY), round(most * _MANY)))

    def busiest_hours(self) -> list[tuple[str, str, str]]:
        """Return the hours with the most clicks, their clicks and unique users."""
        return [
            (f"{with_weekday(day)}, {hour:02}:00", f"{clicks:,}", f"{users:,}")
            for day, hour, clicks, users in self._hours.busiest_hours()
        ]

    def busiest_days(self) -> list[tuple[str, str]]:
        """Return the days with the most clicks, and their clicks."""
        return [(with_weekday(day), f"{clicks:,}") for day, clicks in self._hours.busiest_days()]

    def missing_days(self) -> str:
        """Return the days that were not fetched, in words; empty: there are none."""
        return stretches(self._hours.spans_of(MISSING))

    def provisional_days(self) -> str:
        """Return the days that may still change, in words; empty: there are none."""
        return stretches(self._hours.spans_of(PROVISIONAL))

    def coverage(self) -> str:
        """Return how much of the range is known, in a sentence or two."""
        fetched = self.days - self._hours.states.count(MISSING)
        if not fetched:
            return f"None of the {count(self.days, 'day')} was fetched."
        hours = self._hours.not_reported
        said = self._all_fetched()
        if self.missing:
            said = f"{fetched:,} of {count(self.days, 'day')} {_was(fetched)} fetched."
        return f"{said} {count(hours, 'hour')} of these days {_was(hours)} not reported." if hours else said

    def _all_fetched(self) -> str:
        return "The day was fetched." if self.days == 1 else f"All {self.days:,} days were fetched."

    def rounded(self) -> str:
        """Return which figures the script shows rounded, in words; empty: none of them."""
        clicks, users = self._packed.clicks.digits, self._packed.unique_users.digits
        if not users:
            return ""
        where = "where the picture is pointed at" + (" and in the table of all days" if clicks else "")
        which = f"unique users to {count(users, 'digit')}"
        if clicks:
            which = f"clicks to {count(clicks, 'digit')}, {which}"
        return f"To keep this page small, large counts are rounded {where}: {which}."

    def fetched(self) -> str:
        """Return when the days were fetched, in words; empty: none was."""
        moments = [day.fetched_at for day in self._series.days()]
        if not moments:
            return ""
        first, last = (_moment(each) for each in (min(moments), max(moments)))
        return f"Fetched {first}." if first == last else f"Fetched from {first} to {last}."


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _moment(moment: dt.datetime) -> str:
    return f"{short(moment.date())}, {moment:%H:%M} UTC"
