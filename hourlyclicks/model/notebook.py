"""What a notebook shows of a value: a small table and, for hours, a picture.

A notebook may have a light or a dark theme, and its style sheets are not ours. So the style is inline, text
takes the colour of its surroundings, and what is not known is grey, which can be seen on both.
"""

from __future__ import annotations

from array import array
from html import escape
from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS
from hourlyclicks.model.png import TRANSPARENT, data_uri, indexed_png
from hourlyclicks.model.quantities import duration
from hourlyclicks.model.scale import BLUES, SHADES, scale_end, shade
from hourlyclicks.model.spelling import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.series import HourlySeries

_GREY = "#8d949e"
_NOT_KNOWN = SHADES
_MOST_COLUMNS = 400
_WIDTH = 600
_TALL = 96
_LEVELS = 24
_LEFT = "text-align:left"  # a notebook puts it to the right


def as_table(title: str, facts: Iterable[tuple[str, str]], picture: str = "") -> str:
    """Return facts as HTML.

    Args:
        title: the heading, such as the name of the class.
        facts: names and values as text; they are escaped here.
        picture: HTML that follows the table.
    """
    rows = "".join(
        f'<tr style="background:none"><th scope="row" style="{_LEFT};font-weight:normal;opacity:.75">'
        f'{escape(name)}</th><td style="{_LEFT}">{escape(value)}</td></tr>'
        for name, value in facts
    )
    return (
        f'<div style="margin-bottom:12px"><b>{escape(title)}</b>'
        f'<table style="border:0;margin:2px 0 6px">{rows}</table>{picture}</div>'
    )


def series_html(series: HourlySeries) -> str:
    """Return the range, the clicks and the peak of a series, and its hours as a picture."""
    days, peak = len(series.range), series.peak
    fetched, provisional = days - len(series.missing_days), len(series.provisional_days)
    facts = [
        ("Target", shortened(str(series.target))),
        (
            "Days",
            (
                f"{series.range.start} to {series.range.end}"
                f" ({fetched:,} of {days:,} fetched, {provisional:,} provisional)"
            ),
        ),
        ("Clicks", f"{series.total_clicks:,}"),
    ]
    if peak is not None:
        facts.append(("Peak", f"{peak.clicks:,} on {peak.date}, {peak.hour:02}:00"))
    return as_table("HourlySeries", facts, _hours(series))


def day_html(day: DayClicks) -> str:
    """Return the clicks of a day, and its hours as bars."""
    facts = [
        ("Date", f"{day.date:%Y-%m-%d}" + ("" if day.final else " (provisional: may still change)")),
        ("Clicks", f"{day.total_clicks:,}"),
        ("Hours reported", f"{day.reported_hours} of {HOURS}"),
        ("Fetched", f"{day.fetched_at:%Y-%m-%d %H:%M %Z}"),
    ]
    alt = "Clicks in each hour of the day as bars; grey hours were not reported"
    return as_table(
        "DayClicks", facts, _image(_bars(day.clicks), (TRANSPARENT, BLUES[4], _GREY), 240, 72, alt)
    )


def backfill_html(report: BackfillReport) -> str:
    """Return what came of the days of a backfill, and why it ended."""
    days = {
        "Fetched": report.done,
        "Known before": report.reused,
        "Failed": report.failed,
        "Rejected": report.refused,
        "Remaining": report.remaining,
        "Revised": report.revised,
        "Provisional": report.provisional,
    }
    limited = f", {report.rate_limited:,} rate-limited" if report.rate_limited else ""
    facts = [
        ("Ended", f"{report.stopped.value} after {duration(report.seconds)}"),
        ("Days", f"{report.total:,}"),
        *((name, f"{number:,}") for name, number in days.items() if number),
        ("Requests", f"{report.requests:,} ({report.retries:,} of them retries{limited})"),
    ]
    if report.error is not None:
        facts.append(("Error", f"{type(report.error).__name__}: {report.error}"))
    if report.resume_at is not None:
        facts.append(("Run again", f"from {report.resume_at:%Y-%m-%d %H:%M %Z} on"))
    return as_table("BackfillReport", facts)


def _hours(series: HourlySeries) -> str:
    """Return a picture with a column a day, or for a long range one for each few days."""
    clicks = array("q", series.clicks.zero_filled.tobytes())
    reported = series.reported.tobytes()
    step = -(-len(series.range) // _MOST_COLUMNS) * HOURS
    means = [
        [_mean(clicks, reported, slice(first + hour, first + step, HOURS)) for hour in range(HOURS)]
        for first in range(0, len(clicks), step)
    ]
    known = [mean for column in means for mean in column if mean is not None]
    end = scale_end(known, [1] * len(known))
    rows = [bytes([_index(column[hour], end) for column in means]) for hour in range(HOURS)]
    alt = (
        "Clicks of each hour from midnight (top) to midnight, from the first day (left) to the last:"
        " the darker, the more clicks; grey: no figures"
    )
    width = min(_WIDTH, len(means) * max(1, min(8, _WIDTH // len(means))))
    return _image(rows, (*BLUES, _GREY), width, _TALL, alt)


def _mean(clicks: array[int], reported: bytes, cells: slice) -> int | None:
    """Return the mean clicks of some hours; ``None``: none of them has figures."""
    number = sum(reported[cells])
    return sum(clicks[cells]) // number if number else None


def _index(count: int | None, end: int) -> int:
    return _NOT_KNOWN if count is None else shade(count, end)


def _bars(counts: Sequence[int | None]) -> list[bytes]:
    """Return the rows of a picture with a bar an hour; an unknown hour is grey from top to bottom."""
    most = max((count for count in counts if count is not None), default=0) or 1
    heights = [None if count is None else -(-count * _LEVELS // most) for count in counts]
    return [bytes(_pixels(heights, level)) for level in range(_LEVELS, 0, -1)]


def _pixels(heights: Sequence[int | None], level: int) -> Iterator[int]:
    for height in heights:
        yield 2 if height is None else int(height >= level)


def _image(rows: Sequence[bytes], palette: Sequence[str], width: int, height: int, alt: str) -> str:
    return (
        f'<img alt="{escape(alt)}" src="{data_uri(indexed_png(rows, palette))}" style="width:{width}px;'
        f'max-width:100%;height:{height}px;image-rendering:pixelated">'
    )
