"""A series as a table for people: a line for each day, with its 24 hours as a small picture."""

from __future__ import annotations

import codecs
from typing import IO, TYPE_CHECKING

import attrs

from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.day import HourStatus
from hourlyclicks.model.frames.hours import TARGET
from hourlyclicks.model.frames.values import rows
from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import safe

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.frames.layouts import Layout
    from hourlyclicks.model.frames.values import Value
    from hourlyclicks.model.series import HourlySeries

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@attrs.frozen
class Palette:
    """The characters of pictures, from low to high.

    Args:
        bars: for heights.
        shades: for areas.
        nothing: for an hour that was not reported, or a sum of nothing.
        rule: for lines.
    """

    bars: str
    shades: str
    nothing: str
    rule: str

    def fits(self, encoding: str) -> bool:
        """Tell whether an encoding has these characters."""
        try:
            codecs.encode(self.bars + self.shades + self.nothing + self.rule, encoding)
        except (UnicodeError, LookupError):
            return False
        return True


UNICODE = Palette(bars="▁▂▃▄▅▆▇█", shades="░▒▓█", nothing="·", rule="─")
ASCII = Palette(bars="_.-:=+*#", shades=".:+#", nothing=" ", rule="-")


def palette_for(encoding: str | None) -> Palette:
    """Return the finest palette that a stream can show."""
    return UNICODE if UNICODE.fits(encoding or "ascii") else ASCII


def level(value: int, most: int, levels: int) -> int:
    """Return which of so many equal steps up to ``most`` a value belongs to, from 0; bounds belong below."""
    return (value * levels - 1) // most if value else 0


def picture(values: Sequence[int | None], most: int, palette: Palette) -> str:
    """Return a character for each value: a bar, or the sign for an hour that was not reported."""
    bars = palette.bars
    return "".join(
        palette.nothing if value is None else bars[level(value, most, len(bars))] for value in values
    )


def write_table(series: HourlySeries | DailySeries, stream: IO[str]) -> None:
    """Write a line for each day of a series, and what they come to."""
    if isinstance(series, DailySeries):
        lines = sum_lines(series)
    else:
        lines = table_lines(series, palette_for(getattr(stream, "encoding", None)))
    for line in lines:
        stream.write(line + "\n")


def table_lines(series: HourlySeries, palette: Palette) -> Iterator[str]:
    """Yield the lines of the table."""
    peak = series.peak
    most = peak.clicks if peak is not None and peak.clicks is not None else 0
    yield f"{safe(str(series.target))}, {series.range}"
    yield ""
    yield f"{'day':<14}  {'clicks':>11}  {'hours 0 to 23':<24}  busiest hour"
    fetched = {day.date: day for day in series.days()}
    for date in series.range:
        yield _day_line(date, fetched.get(date), most, palette)
    yield ""
    yield _total_line(series)


def sum_lines(series: DailySeries) -> Iterator[str]:
    """Yield the lines of the table of the sums of days."""
    yield f"{safe(str(series.target))}, {series.range}"
    yield ""
    yield f"{'day':<14}  {'clicks':>11}  {'unique users':>12}"
    provisional = set(series.provisional_days)
    for day in series:
        line = f"{_head(day.date)}  "
        if day.status is HourStatus.REPORTED:
            line += f"{day.clicks:>11,}  {day.unique_users:>12,}"
        else:
            line += f"{'not fetched' if day.status is HourStatus.NOT_FETCHED else 'no figures':>11}"
        yield f"{line}  not final" if day.date in provisional else line
    yield ""
    yield _total_line(series)


def write_columns(series: HourlySeries, layout: Layout, stream: IO[str]) -> None:
    """Write the rows of a layout in columns that are named as in files; the target is the title."""
    fields = [field for field in layout.text_fields if field is not TARGET]
    cells = [[_cell(value) for value in row] for row in rows(layout.table(series), fields)]
    lines = [[field.name for field in fields], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    stream.write(f"{safe(str(series.target))}, {series.range}\n\n")
    for line in lines:
        stream.write("  ".join([cell.rjust(width) for cell, width in zip(line, widths, strict=True)]) + "\n")
    stream.write(f"\n{_total_line(series)}\n")


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _head(date: dt.date) -> str:
    return f"{date} {WEEKDAYS[date.weekday()]}"


def _day_line(date: dt.date, day: DayClicks | None, most: int, palette: Palette) -> str:
    head = _head(date)
    if day is None:
        return f"{head}  {'not fetched':>11}"
    if not day.reported_hours:
        text = f"{head}  {'no figures':>11}  {picture(day.clicks, most, palette)}"
    else:
        busiest = max(day, key=lambda hour: -1 if hour.clicks is None else hour.clicks)
        where = f"{busiest.hour:>2} h {busiest.clicks:>9,}"
        text = f"{head}  {day.total_clicks:>11,}  {picture(day.clicks, most, palette)}  {where}"
    return text if day.final else f"{text}  not final"


def _total_line(series: HourlySeries | DailySeries) -> str:
    fetched = len(series.range) - len(series.missing_days)
    return f"{count(series.total_clicks, 'click')} in {count(fetched, 'day')}"
