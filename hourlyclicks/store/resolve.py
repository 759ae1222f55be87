"""What becomes of an answer when the store holds another one for its day.

Of two answers the better one stays, by the rule of `hourlyclicks.model.columns`: a final one before a
provisional one, then the later. Two things override it, since clocks are wrong at times: an answer that was
asked for to refresh the day always wins, and so does any over figures whose stamp lies in the future.

Answers that lack hours which were reported before are suspicious: a vendor that has lost, or for a moment
cannot reach, its old data answers like that, in part or with nothing at all. The first such answer leaves the
figures as they are and puts them in doubt, which makes the day provisional. It is asked for again like any
provisional day. An answer with all the hours ends the doubt; another one without them, asked for at least
`CONFIRMED_AFTER` later, confirms it and takes the place of the figures. So a day in doubt takes one request
more, and not one in every run.

Figures that are replaced by different ones are never deleted: they go to the table ``revisions``.
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
"""How much later a second answer must be asked for to confirm that hours have gone."""


@attrs.frozen
class StoredDay:
    """What a store holds of a day with figures.

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
    """Decide what becomes of an answer.

    Args:
        day: the answer.
        held: what the store holds.
        reader: judges the stamps; ``None``: they are all true, and so is the stored word.
        refresh: whether it was asked for to refresh the day.
    """
    if held is None:
        return PutResult(1)
    if not refresh and _is_better(held.day, day, reader):
        return PutResult(held.revision, dropped=True)
    if _lacks_hours(day, held.day) and not _is_confirmed(day, held.doubted_at, reader):
        return PutResult(held.revision, doubted_at=_since(day, held.doubted_at, reader))
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
    """Return whether an hour is no longer reported."""
    return any(
        now is None and before is not None for now, before in zip(day.clicks, held.clicks, strict=True)
    )


def _is_confirmed(day: DayClicks, doubted_at: dt.datetime | None, reader: Reader | None) -> bool:
    return doubted_at is not None and day.fetched_at - _since(day, doubted_at, reader) >= CONFIRMED_AFTER


def _since(day: DayClicks, doubted_at: dt.datetime | None, reader: Reader | None) -> dt.datetime:
    """Return since when figures are in doubt: since the first answer, unless its stamp cannot be true."""
    if doubted_at is None or (reader is not None and reader.in_future(doubted_at)):
        return day.fetched_at
    return doubted_at
