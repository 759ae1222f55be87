"""What a row of the output is: ``--by``, ``--wide`` and ``--bom``, as one value."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs
import click

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.cli.options.types import Command
    from hourlyclicks.cli.output.formats import Format
    from hourlyclicks.model.frames.layouts import Layout


@attrs.frozen
class RowOptions:
    """What a row of the output is.

    Args:
        by: what a row is: ``"hour"``, ``"day"``, ``"week"`` or ``"month"``.
        wide: whether a row is a day with its 24 hours.
        bom: whether to begin with a byte order mark.
    """

    by: str = "hour"
    wide: bool = False
    bom: bool = False

    @property
    def usual(self) -> bool:
        """Whether a row is an hour."""
        return self.by == "hour" and not self.wide

    def layout(self, form: Format, *, zone: dt.tzinfo | None = None, daily: bool = False) -> Layout:
        """Return what the rows are.

        Args:
            form: the format of the output.
            zone: the time zone of the column ``time``; ``None``: without this column.
            daily: whether the figures are sums of days.

        Raises:
            click.UsageError: options contradict each other or the format.
        """
        if self.bom and form != "csv":
            raise click.UsageError(f"--bom is for CSV, not for {form}")
        if self.wide and self.by != "hour":
            raise click.UsageError("use --wide or --by, not both: a wide row is a day with its hours")
        if self.wide and form == "table":
            raise click.UsageError("--wide has too many columns for a table: use --format or -o FILE")
        if daily and not self.usual:
            raise click.UsageError("--daily has a row for each day: not with --by or --wide")
        from hourlyclicks.model.frames import layouts  # noqa: PLC0415 - the help needs no series

        if daily:
            return layouts.daily_layout()
        if self.usual:
            return layouts.hourly_layout(zone)
        return layouts.wide_layout() if self.wide else layouts.period_layout(self.by)


def with_rows(command: Command) -> Command:
    """Add ``--by``, ``--wide`` and ``--bom``; the command takes ``rows``."""

    @click.option(
        "--by",
        type=click.Choice(["hour", "day", "week", "month"]),
        default="hour",
        show_default=True,
        help="What a row is. Longer periods than hours have clicks, but no unique users.",
    )
    @click.option("--wide", is_flag=True, help="Write a row for each day, with the clicks of its 24 hours.")
    @click.option(
        "--bom", is_flag=True, help="Begin a CSV with a byte order mark, so that Excel reads it as UTF-8."
    )
    @functools.wraps(command)
    def folded(*args: Any, by: str, wide: bool, bom: bool, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        return command(*args, rows=RowOptions(by, wide, bom), **rest)

    return folded
