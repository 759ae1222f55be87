"""The days of a command: ``--from``, ``--to`` and ``--last``, as one value."""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.zones import last_ended

if TYPE_CHECKING:
    from hourlyclicks.cli.options.types import Command

_DAYS = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[dw])", re.ASCII)
_UNITS = {"d": 1, "w": 7}


def read_day(value: str) -> dt.date:
    """Read a day."""
    try:
        return as_day(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def read_span(value: str) -> int:
    """Read a number of days: ``"30d"`` or ``"4w"``."""
    found = _DAYS.fullmatch(value)
    if found is None or int(found["number"]) == 0:
        raise click.BadParameter(f"{value!r} is not a number of days or weeks, such as 30d or 4w")
    return int(found["number"]) * _UNITS[found["unit"]]


def read_period(value: str) -> DateRange:
    """Read a first and a last day: ``"2025-01-01..2025-03-31"``."""
    first, dots, last = value.partition("..")
    if not dots:
        raise click.BadParameter(f"{value!r} is not two days, such as 2025-01-01..2025-03-31")
    try:
        return DateRange.of(first, last)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


@attrs.frozen
class Period:
    """The days that were asked for; which ones these are may depend on the present moment."""

    start: dt.date | None
    end: dt.date | None
    last: int | None

    def days(self, zone: dt.tzinfo | None, now: dt.datetime) -> DateRange:
        """Return the days.

        Args:
            zone: the zone of the account, if it is known.
            now: the present moment.
        """
        if self.last is None:
            assert self.start is not None  # noqa: S101 - `_period` has seen to it
            assert self.end is not None  # noqa: S101 - likewise
            return DateRange(self.start, self.end)
        end = last_ended(now, zone)
        if self.last > end.toordinal():
            raise UsageError(f"--last {self.last}d goes back beyond the year 1")
        return DateRange(end - dt.timedelta(days=self.last - 1), end)


def with_period(command: Command) -> Command:
    """Add ``--from``, ``--to`` and ``--last``, one of which is needed; the command takes ``period``."""

    @functools.wraps(command)
    def checked(*args: Any, period: Period | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        return command(*args, period=needed(period), **rest)

    return with_any_period(checked)


def needed(period: Period | None) -> Period:
    """Return the days that were given; that none were is a mistake."""
    if period is None:
        raise click.UsageError("no days given: use --from and --to, or --last")
    return period


def with_any_period(command: Command) -> Command:
    """Add ``--from``, ``--to`` and ``--last``; the command takes ``period``, ``None`` without them."""

    @click.option("--from", "start", metavar="YYYY-MM-DD", type=read_day, help="The first day.")
    @click.option("--to", "end", metavar="YYYY-MM-DD", type=read_day, help="The last day.")
    @click.option(
        "--last",
        metavar="30d",
        type=read_span,
        help="The last N days (30d) or weeks (4w) up to yesterday, in place of --from and --to.",
    )
    @functools.wraps(command)
    def folded(*args: Any, start: dt.date | None, end: dt.date | None, last: int | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        return command(*args, period=_period(start, end, last), **rest)

    return folded


def with_range(command: Command) -> Command:
    """Add ``--from`` and ``--to``, both or neither; the command takes ``days``."""

    @click.option("--from", "start", metavar="YYYY-MM-DD", type=read_day, help="The first day.")
    @click.option("--to", "end", metavar="YYYY-MM-DD", type=read_day, help="The last day.")
    @functools.wraps(command)
    def folded(*args: Any, start: dt.date | None, end: dt.date | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        if (start is None) != (end is None):
            raise click.UsageError("use --from and --to together")
        days = None if start is None or end is None else DateRange(start, end)
        return command(*args, days=days, **rest)

    return folded


def _period(start: dt.date | None, end: dt.date | None, last: int | None) -> Period | None:
    ends_given = [start is not None, end is not None]
    if last is not None and any(ends_given):
        raise click.UsageError("use --last, or --from and --to, not both")
    if last is None and not any(ends_given):
        return None
    if last is None and not all(ends_given):
        raise click.UsageError("use --from and --to together")
    return Period(start, end, last)


def present() -> dt.datetime:
    """Return the present moment."""
    return dt.datetime.now(dt.UTC)
