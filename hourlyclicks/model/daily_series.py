"""The sums of many days of one target.

As in a series of hours, three facts stay distinct: a day is reported, not reported or not fetched. Zero is a
report.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model import daily_export
from hourlyclicks.model.daily import DailyClicks, DailyCount
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.day import HourStatus
from hourlyclicks.model.frames.tabular import Tabular
from hourlyclicks.model.grid import as_array
from hourlyclicks.model.quantities import count
from hourlyclicks.model.spelling import shortened
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from hourlyclicks.model.daily_export import DailyRow
    from hourlyclicks.model.export import Sink
    from hourlyclicks.model.frames.masked import MaskedCounts
    from hourlyclicks.model.frames.table import Field, Table


class DailyCounts(Sequence["int | None"]):
    """A count for each day, read-only; ``None`` where a day was not reported or not fetched.

    ``numpy.asarray(counts)`` is an array of ``float64``, NaN where nothing is known. Integers (``dtype=int``)
    are possible only if every day is known.

    Args:
        counts: the counts.
    """

    __slots__ = ("_counts",)

    def __init__(self, counts: Iterable[int | None]) -> None:
        self._counts = tuple(counts)

    @property
    def zero_filled(self) -> memoryview[int]:
        """The counts as ``int64``, read-only: **0 also where nothing is known**."""
        return memoryview(array("q", [count or 0 for count in self._counts])).toreadonly()

    def tolist(self) -> list[int | None]:
        """Return a list of the counts; ``None`` where nothing is known."""
        return list(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    @overload
    def __getitem__(self, key: int) -> int | None: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[int | None, ...]: ...
    def __getitem__(self, key: int | slice) -> int | tuple[int | None, ...] | None:
        """Return a count, or some of them."""
        return self._counts[key]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DailyCounts):
            return NotImplemented
        return self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:  # noqa: ANN401, FBT001 - the protocol of NumPy
        """Return an array; see the class.

        Raises:
            ValueError: the type has no NaN, and not every day is known; or no copy may be made.
        """
        known = bytes([each is not None for each in self._counts])
        return as_array(self.zero_filled, known, self.tolist, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        known = len(self._counts) - self._counts.count(None)
        return f"<DailyCounts of {count(len(self), 'day')}, {known} of them known>"


@attrs.frozen(eq=False, repr=False)
class DailySeries(Tabular):
    """The sums of a range of days, in time order.

    Made by ``Client.daily`` and ``StoredAccount.daily``. Never changes. ``len(series)`` counts days;
    iterating gives a `DailyCount` for every day of the range, fetched or not. Two series are equal when they
    have the same target, range and figures, whenever these were fetched.

    There is no total of unique users: a person who clicks on two days is counted on both.

    Attributes:
        target: what was counted.
        range: the days, both ends included.
    """

    target: Target
    range: DateRange
    _days: Mapping[dt.date, DailyClicks]

    @classmethod
    def of(cls, target: Target, range: DateRange, days: Iterable[DailyClicks]) -> DailySeries:  # noqa: A002 - named like the attribute
        """Make a series of days in any order; of two for the same date the last one is kept.

        Raises:
            UsageError: a day is out of range.
        """
        known = {day.date: day for day in days}
        foreign = next((date for date in known if date not in range), None)
        if foreign is not None:
            raise UsageError(f"{foreign} is not in the range {range}")
        return cls(target, range, known)

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """All days of the range."""
        return tuple(self.range)

    @property
    def clicks(self) -> DailyCounts:
        """Clicks of each day."""
        return DailyCounts(count.clicks for count in self)

    @property
    def unique_users(self) -> DailyCounts:
        """Different people who clicked on each day."""
        return DailyCounts(count.unique_users for count in self)

    @property
    def total_clicks(self) -> int:
        """Clicks of all days that have figures."""
        return sum(day.clicks or 0 for day in self._days.values())

    @property
    def missing_days(self) -> tuple[dt.date, ...]:
        """The days that were not fetched."""
        return tuple([date for date in self.range if date not in self._days])

    @property
    def provisional_days(self) -> tuple[dt.date, ...]:
        """The days whose figures may still change."""
        return tuple([day.date for day in self.days() if not day.final])

    def days(self) -> Iterator[DailyClicks]:
        """Iterate over the days that were fetched."""
        return (self._days[date] for date in self.range if date in self._days)

    def to_rows(self) -> list[DailyRow]:
        """Return a dict for each day.

        The keys are ``target``, ``date`` (ISO), ``clicks``, ``unique_users`` and ``status``, which is
        ``"reported"``, ``"not_reported"`` or ``"not_fetched"``. A count that is not known is ``None``.
        """
        return daily_export.to_rows(self)

    def to_numpy(self) -> tuple[MaskedCounts, MaskedCounts]:
        """Return the clicks and the unique users, each a ``numpy.ma.MaskedArray`` of a value a day.

        They are read-only. A day that is not known is masked; ``filled()`` has -1 there.

        Raises:
            UsageError: NumPy is not installed (``hourlyclicks[numpy]``).
        """
        from hourlyclicks.model.frames.masked import masked_counts  # noqa: PLC0415 - NumPy is an extra

        return masked_counts(self.clicks), masked_counts(self.unique_users)

    def write_csv(self, file: Sink, *, header: bool = True) -> None:
        """Write a line for each day, with the columns of `to_rows`; an unknown count is left empty.

        Args:
            file: a path, or a text stream (opened with ``newline=""``, as for the ``csv`` module). A new
                file is readable by its owner only.
            header: whether to begin with the names of the columns.
        """
        daily_export.write_csv(self, file, header=header)

    def write_jsonl(self, file: Sink) -> None:
        """Write a JSON object for each day, with the keys of `to_rows`; an unknown count is ``null``.

        Args:
            file: a path, or a text stream. A new file is readable by its owner only.
        """
        daily_export.write_jsonl(self, file)

    def _fields(self) -> tuple[Field, ...]:
        from hourlyclicks.model.frames.days import DAILY_FIELDS  # noqa: PLC0415 - few series become frames

        return DAILY_FIELDS

    def _table(self) -> Table:
        from hourlyclicks.model.frames.days import daily_table  # noqa: PLC0415 - few series become frames

        return daily_table(self)

    def __len__(self) -> int:
        return len(self.range)

    def __iter__(self) -> Iterator[DailyCount]:
        for date in self.range:
            day = self._days.get(date)
            if day is None:
                yield DailyCount(date, None, None, HourStatus.NOT_FETCHED)
            else:
                status = HourStatus.REPORTED if day.reported else HourStatus.NOT_REPORTED
                yield DailyCount(date, day.clicks, day.unique_users, status)

    def __contains__(self, day: object) -> bool:
        """Tell whether ``series[day]`` has an answer."""
        return isinstance(day, dt.date | str) and as_day(day) in self._days

    def __getitem__(self, day: dt.date | str) -> DailyClicks:
        """Return a day.

        Raises:
            KeyError: for a day that is out of range or was not fetched.
            UsageError: for a value that is no day.
        """
        date = as_day(day)
        if date not in self.range:
            raise KeyError(f"{date} is not in the range {self.range}")
        if date not in self._days:
            raise KeyError(f"{date} was not fetched")
        return self._days[date]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DailySeries):
            return NotImplemented
        return (
            self.target == other.target
            and self.range == other.range
            and [*self] == [*other]
            and self.provisional_days == other.provisional_days
        )

    def __hash__(self) -> int:
        return hash((self.target, self.range))

    def __repr__(self) -> str:
        return (
            f"<DailySeries {shortened(str(self.target))!r} {self.range}: {count(self.total_clicks, 'click')},"
            f" {count(len(self), 'day')} ({len(self.missing_days):,} missing,"
            f" {len(self.provisional_days):,} provisional)>"
        )
