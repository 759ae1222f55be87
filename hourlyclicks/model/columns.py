"""The figures of many days, in columns, and the rule by which two answers for one day become one.

Each hour takes 17 bytes: two counts of 8 and one that says whether they were reported. Each day takes 9
more: its state, and when it was fetched. The invariants:

* A cell that was not reported holds 0 *and* its mark is 0. A count must not be read without its mark and the
  state of its day, or "not reported" and "not fetched" turn into zero clicks.
* A day in state ``MISSING`` holds nothing but zeros, so equal knowledge is equal bytes.
* A day is taken as a whole or not at all: hours of two answers are never mixed.

Of two answers for a day the better one is kept: a final one before a provisional one, then the one fetched
later, then the one whose content is greater, so that the order of arrival never matters. That is the maximum
of a total order, so merging is commutative, associative and idempotent.
"""

from __future__ import annotations

import datetime as dt
import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple, Self

from hourlyclicks.errors import UsageError
from hourlyclicks.model.day import HOURS, DayClicks

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.model.day import Counts

MISSING, PROVISIONAL, FINAL = range(3)
"""The states of a day; a greater value replaces a smaller one."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_CELLS = struct.Struct(f"={HOURS}q")
_SIZE = _CELLS.size
_pack_into: Callable[..., None] = _CELLS.pack_into
_ALL_REPORTED = bytearray([1]) * HOURS


class Columns(NamedTuple):
    """Consecutive days without their dates; a day is identified by its index, from 0.

    Args:
        clicks: a count an hour.
        unique_users: a count an hour.
        reported: 1 for an hour with figures, else 0.
        states: a state a day.
        fetched: when each day was requested, in microseconds since 1970.
    """

    clicks: array[int]
    unique_users: array[int]
    reported: bytearray
    states: bytearray
    fetched: array[int]

    @classmethod
    def blank(cls, days: int) -> Self:
        """Allocate columns for days of which nothing is known."""
        hours = HOURS * days
        return cls(_zeros(hours), _zeros(hours), bytearray(hours), bytearray(days), _zeros(days))

    @classmethod
    def of(cls, day: DayClicks) -> Self:
        """Make columns of one day."""
        columns = cls.blank(1)
        columns.put(0, day)
        return columns

    def put(self, place: int, day: DayClicks) -> None:
        """Write a day to an index that is still missing; an invalid day is a `UsageError`."""
        first = place * HOURS
        last = first + HOURS
        marks: bytes | bytearray = _ALL_REPORTED
        try:
            # Tuples are added, since to spread 24 counts between other arguments takes a sixth longer.
            _pack_into(*((self.clicks, place * _SIZE) + day.clicks))  # noqa: RUF005 - see above
            _pack_into(*((self.unique_users, place * _SIZE) + day.unique_users))  # noqa: RUF005 - see above
        except Exception:  # noqa: BLE001 - a None, most likely; in any case the write may be half done
            self.clicks[first:last] = self.unique_users[first:last] = _zeros(HOURS)
            clicks, users, marks = _with_gaps(day, day.clicks), _with_gaps(day, day.unique_users), _marks(day)
            self.clicks[first:last], self.unique_users[first:last] = clicks, users
        self.reported[first:last] = marks
        self.states[place] = FINAL if day.final else PROVISIONAL
        self.fetched[place] = (day.fetched_at - _EPOCH) // _MICROSECOND

    def get(self, place: int, date: dt.date) -> DayClicks:
        """Read a day, which must not be missing."""
        cells = _cells(place)
        marks = self.reported[cells]
        return DayClicks(
            date,
            _counts(self.clicks[cells], marks),
            _counts(self.unique_users[cells], marks),
            _EPOCH + dt.timedelta(microseconds=self.fetched[place]),
            self.states[place] == FINAL,
        )

    def improve(self, place: int, other: Columns, theirs: int) -> None:
        """Copy a day of other columns if it is the better one."""
        mine, its = self._rank(place), other._rank(theirs)
        if its < mine or (its == mine and other._content(theirs) <= self._content(place)):
            return
        here, there = _cells(place), _cells(theirs)
        self.clicks[here] = other.clicks[there]
        self.unique_users[here] = other.unique_users[there]
        self.reported[here] = other.reported[there]
        self.states[place] = other.states[theirs]
        self.fetched[place] = other.fetched[theirs]

    def absorb(self, other: Columns, at: int) -> None:
        """Copy every better day of other columns, whose first day is at an index of these."""
        for theirs, state in enumerate(other.states):
            if state != MISSING:
                self.improve(at + theirs, other, theirs)

    def differs(self, place: int, other: Columns, theirs: int) -> bool:
        """Return whether two answers for a day have different figures."""
        return self._content(place) != other._content(theirs)

    def part(self, first: int, last: int) -> Columns:
        """Copy the days from one index up to, and without, another."""
        hours = slice(first * HOURS, last * HOURS)
        return Columns(
            self.clicks[hours],
            self.unique_users[hours],
            self.reported[hours],
            self.states[first:last],
            self.fetched[first:last],
        )

    def same_knowledge(self, other: Columns) -> bool:
        """Compare everything except the times of the requests."""
        return (
            self.states == other.states
            and self.reported == other.reported
            and self.clicks == other.clicks
            and self.unique_users == other.unique_users
        )

    def _rank(self, place: int) -> tuple[int, int]:
        return self.states[place], self.fetched[place]

    def _content(self, place: int) -> tuple[bytearray, array[int], array[int]]:
        cells = _cells(place)
        return self.reported[cells], self.clicks[cells], self.unique_users[cells]


def _cells(place: int) -> slice:
    return slice(place * HOURS, (place + 1) * HOURS)


def _zeros(count: int) -> array[int]:
    return array("q", [0]) * count  # from bytes it would take a sixteenth more than it needs


def _counts(cells: array[int], marks: bytearray) -> Counts:
    if 0 not in marks:
        return tuple(cells)
    return tuple([count if mark else None for count, mark in zip(cells, marks, strict=True)])


def _with_gaps(day: DayClicks, counts: Counts) -> array[int]:
    try:
        return array("q", [0 if count is None else count for count in counts])
    except (TypeError, OverflowError):
        raise UsageError(f"a count of {day.date} is no integer of 64 bits") from None


def _marks(day: DayClicks) -> bytes:
    marks = bytes([count is not None for count in day.clicks])
    if marks != bytes([count is not None for count in day.unique_users]):
        raise UsageError(f"{day.date} reports clicks and unique users of different hours")
    return marks
