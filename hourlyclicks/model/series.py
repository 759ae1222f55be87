"""The hours of many days of one target.

A series never has an unreported gap: each hour of its range is reported, not reported or not fetched.
``hourlyclicks.model.columns`` explains how this is stored, and how series are merged.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, overload

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model import aggregate, export
from hourlyclicks.model.columns import MISSING, PROVISIONAL, Columns
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.day import HOURS, HourClicks, HourStatus
from hourlyclicks.model.frames.tabular import HourlyTabular
from hourlyclicks.model.grid import Grid, as_grid
from hourlyclicks.model.quantities import count
from hourlyclicks.model.spelling import shortened
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.export import Row, Sink
    from hourlyclicks.model.frames.masked import MaskedCounts
    from hourlyclicks.model.frames.table import Field, Table
    from hourlyclicks.model.periods import PeriodClicks


@attrs.frozen(eq=False, repr=False)
class HourlySeries(HourlyTabular):
    """All hours of a range of days, in time order.

    Made by `Client.fetch`, and by methods such as `merge` from other series. Never changes. Takes about 17
    bytes an hour. ``len(series)`` counts hours; iterating gives an `HourClicks` for every hour of the range,
    fetched or not. Two series are equal when they have the same target, range and figures, whenever these
    were fetched.

    There is no total of unique users: a person who clicks in two hours is counted in both.

    Attributes:
        target: what was counted.
        range: the days, both ends included.
    """

    target: Target
    range: DateRange
    _columns: Columns

    @property
    def clicks(self) -> Grid:
        """Clicks by day and hour; ``None``, and for NumPy NaN, where ``reported`` says 0."""
        return Grid(self._columns.clicks, self._columns.reported)

    @property
    def unique_users(self) -> Grid:
        """Unique users by day and hour; ``None``, and for NumPy NaN, where ``reported`` says 0."""
        return Grid(self._columns.unique_users, self._columns.reported)

    @property
    def reported(self) -> memoryview[int]:
        """Which hours have figures, days x 24 bytes of 1 and 0, read-only."""
        return as_grid(self._columns.reported)

    @property
    def total_clicks(self) -> int:
        """Clicks of all hours that have figures."""
        return sum(self._columns.clicks)

    @property
    def peak(self) -> HourClicks | None:
        """The hour with the most clicks, the earliest of equals; ``None`` when no hour has figures."""
        index = aggregate.peak_index(self._columns.clicks, self._columns.reported)
        if index is None:
            return None
        return HourClicks(
            self.range[index // HOURS],
            index % HOURS,
            self._columns.clicks[index],
            self._columns.unique_users[index],
            HourStatus.REPORTED,
        )

    @property
    def missing_days(self) -> tuple[dt.date, ...]:
        """The days that were not fetched."""
        return self._days_in_state(MISSING)

    @property
    def provisional_days(self) -> tuple[dt.date, ...]:
        """The days whose figures may still change."""
        return self._days_in_state(PROVISIONAL)

    def clicks_by_hour(self) -> tuple[int, ...]:
        """Return the clicks of each hour of the day: 24 sums over all days, of what was reported."""
        return aggregate.by_hour(self._columns.clicks)

    def clicks_by_weekday_hour(self) -> tuple[tuple[int, ...], ...]:
        """Return the clicks of each hour of the week: 7 x 24 sums of what was reported, Monday first."""
        return aggregate.by_weekday_hour(self._columns.clicks, self.range.start.weekday())

    def clicks_by_day(self) -> tuple[PeriodClicks, ...]:
        """Return the clicks of each day of the range, in order.

        Each value tells how many hours are in its sum, and is ``None`` where none is reported. A day that
        lacks hours has a sum that is too small; `PeriodClicks.complete` tells.
        """
        return self._clicks_by("day")

    def clicks_by_week(self) -> tuple[PeriodClicks, ...]:
        """Return the clicks of each week, Monday to Sunday, of which the range has a day; as `clicks_by_day`.

        The hours of a week outside of the range are not in its sum, and make it incomplete.
        """
        return self._clicks_by("week")

    def clicks_by_month(self) -> tuple[PeriodClicks, ...]:
        """Return the clicks of each calendar month of which the range has a day; as `clicks_by_week`."""
        return self._clicks_by("month")

    def _clicks_by(self, period: str) -> tuple[PeriodClicks, ...]:
        from hourlyclicks.model.periods import PERIODS, clicks_by  # noqa: PLC0415 - few series are summed up

        return clicks_by(PERIODS[period], self.range, self._columns)

    def days(self) -> Iterator[DayClicks]:
        """Iterate over the days that were fetched."""
        for place, date in enumerate(self.range):
            if self._columns.states[place] != MISSING:
                yield self._columns.get(place, date)

    def merge(self, other: HourlySeries) -> HourlySeries:
        """Return the figures of both series together.

        Args:
            other: a series of the same target; its range may lie anywhere.

        Returns:
            A series from the first day of either to the last; days in neither are missing. Of a day in
            both, the final answer is kept, else the one fetched later. Order does not matter.

        Raises:
            UsageError: when the targets differ.
        """
        if self.target != other.target:
            raise UsageError(f"a series of {self.target} and one of {other.target} cannot be merged")
        whole = DateRange(min(self.range.start, other.range.start), max(self.range.end, other.range.end))
        columns = Columns.blank(len(whole))
        columns.absorb(self._columns, whole.index(self.range.start))
        columns.absorb(other._columns, whole.index(other.range.start))
        return HourlySeries(self.target, whole, columns)

    def changed_days(self, older: HourlySeries) -> tuple[dt.date, ...]:
        """Return the days, in order, for which an older series of the same target has other figures.

        A day that is not final can still change; when it is fetched again, the newer figures count. Days that
        were not fetched in both are left out.

        Raises:
            UsageError: when the targets differ.
        """
        if self.target != older.target:
            raise UsageError(f"a series of {self.target} cannot be compared with one of {older.target}")
        common = self.range.clip(older.range)
        days = [] if common is None else [day for day in common if day in self and day in older]
        return tuple(
            day
            for day in days
            if self._columns.differs(self.range.index(day), older._columns, older.range.index(day))
        )

    def to_rows(self) -> list[Row]:
        """Return a dict for each hour.

        The keys are ``target``, ``date`` (ISO), ``hour``, ``clicks``, ``unique_users`` and ``status``, which
        is ``"reported"``, ``"not_reported"`` or ``"not_fetched"``. A count that is not known is ``None``.
        """
        return export.to_rows(self)

    def to_numpy(self) -> tuple[MaskedCounts, MaskedCounts]:
        """Return the clicks and the unique users, each a ``numpy.ma.MaskedArray`` of days x 24.

        They share the memory of the series and are read-only. An hour that is not known is masked;
        ``filled()`` has -1 there.

        Raises:
            UsageError: NumPy is not installed (``hourlyclicks[numpy]``).
        """
        from hourlyclicks.model.frames.masked import masked_grids  # noqa: PLC0415 - NumPy is an extra

        counts = self._columns.clicks, self._columns.unique_users
        clicks, users = masked_grids(counts, self._columns.reported)
        return clicks, users

    def write_csv(self, file: Sink, *, header: bool = True) -> None:
        """Write a line for each hour, with the columns of `to_rows`; an unknown count is left empty.

        Args:
            file: a path, or a text stream (opened with ``newline=""``, as for the ``csv`` module). A new
                file is readable by its owner only.
            header: whether to begin with the names of the columns.
        """
        export.write_csv(self, file, header=header)

    def write_jsonl(self, file: Sink) -> None:
        """Write a JSON object for each hour, with the keys of `to_rows`; an unknown count is ``null``.

        Args:
            file: a path, or a text stream. A new file is readable by its owner only.
        """
        export.write_jsonl(self, file)

    def _fields(self, zone: dt.tzinfo | None = None) -> tuple[Field, ...]:
        from hourlyclicks.model.frames.hours import hourly_fields  # noqa: PLC0415 - few series become frames

        return hourly_fields(zone)

    def _table(self, zone: dt.tzinfo | None = None) -> Table:
        from hourlyclicks.model.frames.hours import hourly_table  # noqa: PLC0415 - few series become frames

        return hourly_table(self.target, self.range, self._columns, zone)

    def __len__(self) -> int:
        return len(self._columns.reported)

    def __iter__(self) -> Iterator[HourClicks]:
        for place, date in enumerate(self.range):
            if self._columns.states[place] == MISSING:
                for hour in range(HOURS):
                    yield HourClicks(date, hour, None, None, HourStatus.NOT_FETCHED)
            else:
                yield from self._columns.get(place, date)

    def __contains__(self, day: object) -> bool:
        """Tell whether ``series[day]`` has an answer."""
        if not isinstance(day, dt.date | str):
            return False
        date = as_day(day)
        return date in self.range and self._columns.states[self.range.index(date)] != MISSING

    @overload
    def __getitem__(self, key: dt.date | str) -> DayClicks: ...
    @overload
    def __getitem__(self, key: slice) -> HourlySeries: ...
    def __getitem__(self, key: dt.date | str | slice) -> DayClicks | HourlySeries:
        """Return a day, or for a slice of days (both ends included) the series of those within the range.

        Raises:
            KeyError: for a day that is out of range or was not fetched, and for a slice without any day.
            UsageError: for a value that is no day, and for a slice with a step or with its ends reversed.
        """
        if isinstance(key, slice):
            return self._part(key)
        date = as_day(key)
        if date not in self.range:
            raise KeyError(f"{date} is not in the range {self.range}")
        place = self.range.index(date)
        if self._columns.states[place] == MISSING:
            raise KeyError(f"{date} was not fetched")
        return self._columns.get(place, date)

    def _part(self, key: slice) -> HourlySeries:
        if key.step is not None:
            raise UsageError("a slice of a series takes every day: it cannot have a step")
        start = dt.date.min if key.start is None else key.start
        stop = dt.date.max if key.stop is None else key.stop
        wanted = DateRange.of(start, stop)
        part = self.range.clip(wanted)
        if part is None:
            raise KeyError(f"no day of {wanted} is in the range {self.range}")
        first, last = self.range.index(part.start), self.range.index(part.end)
        return HourlySeries(self.target, part, self._columns.part(first, last + 1))

    def _days_in_state(self, state: int) -> tuple[dt.date, ...]:
        states = self._columns.states
        return tuple([date for date, known in zip(self.range, states, strict=True) if known == state])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HourlySeries):
            return NotImplemented
        return (
            self.target == other.target
            and self.range == other.range
            and self._columns.same_knowledge(other._columns)
        )

    def __hash__(self) -> int:
        return hash((self.target, self.range))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the figures of `repr`, the peak, and every hour as a picture."""
        from hourlyclicks.model.notebook import series_html  # noqa: PLC0415 - for notebooks only

        return series_html(self)

    def __repr__(self) -> str:
        shown = shortened(str(self.target))
        states = self._columns.states
        sums = f"{count(self.total_clicks, 'click')}, {count(len(states), 'day')}"
        return (
            f"<HourlySeries {shown!r} {self.range}: {sums}"
            f" ({states.count(MISSING):,} missing, {states.count(PROVISIONAL):,} provisional)>"
        )
