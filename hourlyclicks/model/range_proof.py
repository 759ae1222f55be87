"""What the answers for ranges of days prove about the server that gave them.

Theory. A server may answer for fewer days than it was asked for, and say nothing: it may cut a range at its
end or at its start, or leave out one of its ends. A day without rows is then a day without clicks, or a day
that was not answered for, and only the first is *empty*. Rows are the only proof:

* Days between two days with rows were answered for, because a server cuts a range only at its ends.
* A row on the n-th day of a range shows that the server, if it cuts ranges at the end, keeps at least n days.
  A row on the n-th day from the end shows the same of a server that cuts at the start. How far rows were ever
  seen from the first day, and from the last, are the two *reaches*. Which of the two a server does is not
  known, so a day is certain if it is within both.
* If there was ever a row on the first day of a range, the server does not leave out the first day. The same
  holds for the last. A single day is no proof of that, since its two ends are the same.

A reach of more than 28 days was perhaps seen in a long month. It counts only for ranges that are no longer
than a month from where they begin.

Two answers can prove everything, also for a target with few clicks: one for a range that begins on a day that
has clicks, and one for a range as long that ends on such a day.

Every other day is *uncertain*: not empty, but still to be asked for, in a shorter range or by itself. What an
answer proves counts for this answer and all later ones, and for all targets of the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.day import HOURS
from hourlyclicks.model.range_caps import MONTH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks

_SHORTEST_MONTH = 28


@attrs.frozen
class RangeProof:
    """What is proved about a server. Immutable; `after` returns what is proved after one more answer.

    Args:
        from_first: the most days from the first day of a range to a day with rows, both counted; 0: there was
            no answer with rows.
        to_last: the most days from a day with rows to the last day of its range, likewise.
        first_included: whether the first day of a range of several days ever had rows.
        last_included: whether the last day of such a range ever had rows.
    """

    from_first: int = 0
    to_last: int = 0
    first_included: bool = False
    last_included: bool = False

    @property
    def reach(self) -> int:
        """The length of the ranges whose days are all within the reach of both ends."""
        return min(self.from_first, self.to_last)

    @property
    def whole(self) -> int:
        """The length of the ranges that are answered for as a whole, even without rows; 0: not known."""
        return self.reach if self.first_included and self.last_included else 0

    def combined(self, other: RangeProof) -> RangeProof:
        """Return what both prove together."""
        return RangeProof(
            max(self.from_first, other.from_first),
            max(self.to_last, other.to_last),
            self.first_included or other.first_included,
            self.last_included or other.last_included,
        )

    def after(self, asked: DateRange, answered: Collection[dt.date]) -> RangeProof:
        """Return what is proved after an answer.

        Args:
            asked: the days that were asked for.
            answered: those of them that have rows.
        """
        if not answered:
            return self
        several = asked.start < asked.end
        shown = RangeProof(
            _days(asked.start, max(answered)),
            _days(min(answered), asked.end),
            several and asked.start in answered,
            several and asked.end in answered,
        )
        return self.combined(shown)

    def uncertain(self, asked: DateRange, answered: Collection[dt.date]) -> list[dt.date]:
        """Return the days without rows that may not have been answered for, in order.

        All other days without rows are empty, as far as they are over.

        Args:
            asked: the days that were asked for.
            answered: those of them that have rows.
        """
        proof = self.after(asked, answered)
        inside = (min(answered), max(answered)) if answered else None
        return [
            day
            for day in asked
            if not (inside and inside[0] <= day <= inside[1]) and not proof.is_certain(day, asked)
        ]

    def is_certain(self, day: dt.date, asked: DateRange) -> bool:
        """Return whether a day of a range is answered for, whatever the rows of the answer are."""
        most = len(asked) if MONTH.allows(asked) else _SHORTEST_MONTH
        return (
            _days(asked.start, day) <= min(self.from_first, most)
            and _days(day, asked.end) <= min(self.to_last, most)
            and (day > asked.start or self.first_included)
            and (day < asked.end or self.last_included)
        )


def shift_between(day: DayClicks, others: Mapping[dt.date, DayClicks]) -> int | None:
    """Compare a day with the answer of another version of the API.

    Args:
        day: the day, as one version has it.
        others: that day, the day before and the day after, as far as the other version has them.

    Returns:
        How many hours later the other version has the same figures, from -24 to 24; 0: the two agree;
        ``None``: they differ in another way.
    """
    ordinal = day.date.toordinal()
    around: list[tuple[int | None, int | None]] = []
    for number in (ordinal - 1, ordinal, ordinal + 1):
        other = others.get(type(day.date).fromordinal(number))
        around += _cells(other) if other is not None else [(None, None)] * HOURS
    own = _cells(day)
    shifts = sorted(range(-HOURS, HOURS + 1), key=abs)
    return next((by for by in shifts if around[HOURS + by : 2 * HOURS + by] == own), None)


def _days(first: dt.date, last: dt.date) -> int:
    """Return how many days there are from one to another, both included."""
    return last.toordinal() - first.toordinal() + 1


def _cells(day: DayClicks) -> list[tuple[int | None, int | None]]:
    return list(zip(day.clicks, day.unique_users, strict=True))
