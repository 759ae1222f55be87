"""The earlier and the current figures of days, as text for people and as objects for JSON."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any

from hourlyclicks.model.day import HOURS
from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import safe, span
from hourlyclicks.store.ledger import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import Revision

_WIDTH = 80
_NO_BREAK = "\N{NO-BREAK SPACE}"


def latest(history: Sequence[Revision], limit: int | None) -> Sequence[Revision]:
    """Return the figures of the last days.

    Args:
        history: the figures of days, in the order of days and revisions.
        limit: how many days; ``None``: all.
    """
    dates = sorted({revision.day.date for revision in history})
    if limit is None or len(dates) <= limit:
        return history
    return [revision for revision in history if revision.day.date >= dates[-limit]]


def in_order(history: Sequence[Revision], *, newest_first: bool) -> Sequence[Revision]:
    """Return figures in the order of days and revisions with the last day first, or as they are."""
    return sorted(history, key=lambda each: each.day.date, reverse=True) if newest_first else history


def history_lines(
    target: Target, history: Sequence[Revision], limit: int | None = None, *, newest_first: bool = False
) -> Iterator[str]:
    """Yield the lines about a target: each day, its revisions, and the hours that each has changed.

    Args:
        target: the target.
        history: the figures of its days, in the order of days and revisions.
        limit: how many days to show, the last ones; ``None``: all.
        newest_first: whether to begin with the last day; the figures of a day stay in their order.
    """
    yield ""
    yield safe(str(target))
    dates = {revision.day.date for revision in history}
    replaced = count(len(history) - len(dates), "replacement")
    shown = f"; the last {count(limit, 'day')} shown" if limit is not None and limit < len(dates) else ""
    yield f"  {count(len(dates), 'day')}, {span(min(dates), max(dates))}, {replaced}{shown}"
    last = in_order(latest(history, limit), newest_first=newest_first)
    for date, revisions in groupby(last, key=lambda revision: revision.day.date):
        yield f"  {date}"
        before: DayClicks | None = None
        for revision in revisions:
            yield f"    {_described(revision)}"
            if before is not None:
                yield from _wrapped(_changes(before, revision.day))
            before = revision.day


def as_objects(target: Target, history: Sequence[Revision]) -> Iterator[dict[str, Any]]:
    """Yield an object for each revision, as `history_lines` has a line.

    Args:
        target: the target.
        history: the figures of its days, in the order of days and revisions.
    """
    for revision in history:
        day = revision.day
        yield {
            "target": str(target),
            "date": str(day.date),
            "revision": revision.number,
            "state": state_of(day).value,
            "fetched_at": day.fetched_at.isoformat(),
            "clicks": day.clicks,
            "unique_users": day.unique_users,
        }


def _described(revision: Revision) -> str:
    day = revision.day
    asked = f"requested {day.fetched_at:%Y-%m-%d %H:%M} UTC"
    clicks = count(day.total_clicks, "click")
    hours = count(day.reported_hours, "hour")
    return f"revision {revision.number}: {clicks} in {hours}, {state_of(day)}, {asked}"


def _changes(before: DayClicks, day: DayClicks) -> Iterator[str]:
    """Yield the hours of which the counts differ."""
    for hour in range(HOURS):
        for name, was, now in (
            ("clicks", before.clicks[hour], day.clicks[hour]),
            ("unique users", before.unique_users[hour], day.unique_users[hour]),
        ):
            if was != now:
                yield f"{hour} h {name} {_number(was)} to {_number(now)}"


def _number(value: int | None) -> str:
    return "not reported" if value is None else f"{value:,}"


def _wrapped(changes: Iterator[str]) -> list[str]:
    """Return lines of changes, none of which is split."""
    indent, text = " " * 6, ", ".join(change.replace(" ", _NO_BREAK) for change in changes)
    lines = textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    return [line.replace(_NO_BREAK, " ") for line in lines]
