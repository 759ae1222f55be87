"""Conflict resolution: which of two answers for a day is kept.

Of two answers the better one is kept, by the rule of `hourlyclicks.model.columns`: a final one before a
provisional one, then the later one. There are two exceptions, because clocks are sometimes wrong: an answer
to a refresh always replaces the stored one, and so does any answer if the stored time stamp is in the
future.

An answer that lacks hours which were reported before is suspicious: a vendor that has lost its old data, or
cannot read it for a moment, answers like that, with some hours or none. The first such answer leaves the
figures unchanged and puts them in doubt, which makes the day provisional. The day is requested again like
any provisional day. An answer with all the hours ends the doubt. A second answer without them, requested at
least `CONFIRMED_AFTER` later, confirms it and replaces the figures. So a day in doubt costs one more
request, and not one in every run.

An audit puts figures in doubt without an answer. The doubt then has the time stamp of the figures, and
confirms nothing.

Replaced figures that differ are never deleted: they are moved to the table ``revisions``.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.day import DayClicks
from hourlyclicks.store.ledger import PutResult

if TYPE_CHECKING:
    from hourlyclicks.store.freshness import Reader

CONFIRMED_AFTER = dt.timedelta(minutes=1)
"""How much later a second answer must be requested to confirm that hours are missing."""


@attrs.frozen
class StoredDay:
    """The stored figures of a day.

    Args:
        day: the figures.
        revision: their revision.
        doubted_at: since when they are in doubt, if they are.
    """

    day: DayClicks
    revision: int
    doubted_at: dt.datetime | None = None


def resolve_put(
    day: DayClicks, held: StoredDay | None, *, reader: Reader | None = None, refresh: bool = False
) -> PutResult:
    """Decide whether an answer replaces the stored figures.

    Args:
        day: the answer.
        held: the stored figures, if any.
        reader: checks the time stamps; ``None``: every stored stamp and state is right.
        refresh: whether the answer was requested to refresh the day.
    """
    if held is None:
        return PutResult(1)
    if not refresh and _is_better(held.day, day, reader):
        return PutResult(held.revision, dropped=True)
    doubted_at = None if held.doubted_at == held.day.fetched_at else held.doubted_at
    if _lacks_hours(day, held.day) and not _is_confirmed(day, doubted_at, reader):
        return PutResult(held.revision, doubted_at=_since(day, doubted_at, reader))
    revised = (day.clicks, day.unique_users) != (held.day.clicks, held.day.unique_users)
    return PutResult(held.revision + revised, revised=revised)


def _is_better(held: DayClicks, day: DayClicks, reader: Reader | None) -> bool:
    if reader is None:
        return (held.final, held.fetched_at) > (day.final, day.fetched_at)
    if reader.in_future(held.fetched_at):
        return False
    final = reader.is_final(held.date, held.fetched_at, said=held.final)
    return (final, held.fetched_at) > (day.final, day.fetched_at)


def _lacks_hours(day: DayClicks, held: DayClicks) -> bool:
    """Return whether an hour that was reported is missing."""
    return any(
        now is None and before is not None for now, before in zip(day.clicks, held.clicks, strict=True)
    )


def _is_confirmed(day: DayClicks, doubted_at: dt.datetime | None, reader: Reader | None) -> bool:
    return doubted_at is not None and day.fetched_at - _since(day, doubted_at, reader) >= CONFIRMED_AFTER


def _since(day: DayClicks, doubted_at: dt.datetime | None, reader: Reader | None) -> dt.datetime:
    """Return since when figures are in doubt: since the first answer, unless its stamp is wrong."""
    if doubted_at is None or (reader is not None and reader.in_future(doubted_at)):
        return day.fetched_at
    return doubted_at
