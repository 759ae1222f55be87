"""Series to draw, and what is in a picture."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

from hourlyclicks import DateRange, DayClicks, Link
from hourlyclicks.model.series_builder import SeriesBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from hourlyclicks import HourlySeries, Target

LINK = Link("kYdr", "https://vvd.bz")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def by_place(day: int, hour: int) -> int | None:
    """Return counts that differ from hour to hour."""
    return (day * 7 + hour * 31) % 97


def series(
    days: int,
    count: Callable[[int, int], int | None] = by_place,
    *,
    start: str = "2025-01-01",
    missing: Collection[int] = (),
    provisional: Collection[int] = (),
    target: Target = LINK,
) -> HourlySeries:
    """Make a series.

    Args:
        days: how many days.
        count: the clicks, by the place of the day and the hour; their last digits are the unique users.
        start: the first day.
        missing: the places of days that were not fetched.
        provisional: the places of days that are not final.
        target: the target.
    """
    first = dt.date.fromisoformat(start)
    span = DateRange(first, first + dt.timedelta(days=days - 1))
    builder = SeriesBuilder(target, span)
    for place, date in enumerate(span):
        if place in missing:
            continue
        clicks = tuple(count(place, hour) for hour in range(24))
        users = tuple(None if value is None else value % 10 for value in clicks)
        builder.add(DayClicks(date, clicks, users, NOW, place not in provisional))
    return builder.build()


def texts(figure: Figure) -> list[str]:
    """Return all texts of a picture but those of axes and of cells."""
    return [text.get_text() for text in figure.texts]


def scale_labels(figure: Figure) -> list[str]:
    """Return the labels of the scale, which is drawn last."""
    return [label.get_text() for label in figure.axes[-1].get_xticklabels()]


def hatched(figure: Figure, axes: int = 0) -> dict[str, Patch]:
    """Return the hatched shapes of some axes, by what they mean."""
    return {str(patch.get_label()): patch for patch in figure.axes[axes].patches if patch.get_hatch()}


def written(figure: Figure, form: str) -> bytes:
    """Return a picture as a file."""
    stream = io.BytesIO()
    figure.savefig(stream, format=form)
    return stream.getvalue()
