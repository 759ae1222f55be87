"""What ``hourlyclicks plot`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click
from click.core import ParameterSource

from hourlyclicks import plot
from hourlyclicks.cli.actions.export import Holdings, tell_missing
from hourlyclicks.cli.actions.fetch import Asked, checked_ranges, failure_of, tell_provisional
from hourlyclicks.cli.actions.fetch import tell_missing as tell_failed
from hourlyclicks.cli.actions.stores import looking_into, one_account
from hourlyclicks.cli.console import hangup, loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, Failure
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.shared import Period, RateOptions, default_rate, needed, present
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import check_writable, rescued
from hourlyclicks.cli.output.pictures import picture_format, write_picture
from hourlyclicks.cli.selection import Selection
from hourlyclicks.errors import UsageError
from hourlyclicks.render.phrases import count
from hourlyclicks.render.plots import MOST_COMPARED, check_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from hourlyclicks.cli.actions.collecting import Outcomes
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.series import HourlySeries

KINDS: dict[str, Callable[..., Figure]] = {
    "calendar": plot.calendar,
    "week": plot.week,
    "trend": plot.trend,
    "compare": plot.compare,
}
"""The pictures by the names they have on the command line."""

_OF_FETCHING = frozenset(
    {"plan", "limit", "concurrency", "guard", "user_agent", "base_url", "proxy", "key_file", "endpoint"}
    | {"fail_fast"}
)
"""Options that mean nothing for days that are in a store."""


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        kind: which picture.
        store: the store; without one, the days are fetched.
        selection: the targets.
        period: the days, if they were named.
        output: the file; ``-``: stdout.
        form: the format, if it was given.
        theme: the name of the colours.
        rate: the limits to keep; ``None``: those of the smallest plan.
        access: how to reach the API.
        fail_fast: whether to stop early after repeated failures.
    """

    kind: str
    store: StoreChoice
    selection: Selection
    period: Period | None
    output: Path
    form: str | None
    theme: str
    rate: RateOptions | None
    access: Access
    fail_fast: bool


@attrs.frozen
class Drawing:
    """Which picture, and where it goes.

    Args:
        kind: which.
        theme: the name of the colours.
        form: the format.
        output: the file; ``None``: stdout.
    """

    kind: str
    theme: str
    form: str
    output: Path | None

    def check(self, targets: int) -> None:
        """Refuse more targets than the picture has room for.

        Raises:
            UsageError: there are.
        """
        if self.kind != "compare" and targets > 1:
            raise UsageError(f"plot {self.kind} draws one target, not {targets:,}: name one, or plot compare")
        if targets > MOST_COMPARED:
            raise UsageError(
                f"plot compare draws at most {MOST_COMPARED} targets, not {targets:,}: name some of them"
            )

    def write(self, series: Sequence[HourlySeries]) -> None:
        """Draw the picture and write it."""
        figure = KINDS[self.kind](*series, theme=self.theme)
        with hangup.held():
            write_picture(figure, self.form, self.output)


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    output = None if options.output == Path("-") else options.output
    form = picture_format(options.form, output)
    check_writable(output)
    check_installed()
    drawing = Drawing(options.kind, options.theme, form, output)
    days = None if options.period is None else options.period.days(options.access.zone, present())
    if options.store.where is None:
        needed(options.period)
        assert days is not None  # noqa: S101 - as the line before has seen to
        _of_fetched_days(ctx, options, drawing, days)
    else:
        _of_stored_days(ctx, options, drawing, days)


def _of_stored_days(ctx: click.Context, options: Options, drawing: Drawing, days: DateRange | None) -> None:
    """Draw days in a store."""
    _check_nothing_is_fetched(ctx)
    targets, since = options.selection.read_with_since()

    async def read() -> tuple[list[HourlySeries], int]:
        async with looking_into(options.store) as opened:
            account = await one_account(opened, options.store.account)
            holdings = Holdings(account, targets, days, since)
            ranges = await holdings.ranges()
            drawing.check(len([target for target, (part, _) in ranges.items() if part is not None]))
            missing = tell_missing(ctx, ranges, days)
            total = sum(len(part) for part, _ in ranges.values() if part is not None)
            if missing == total:
                raise UsageError("the store has no figures for these targets")
            series = [
                await holdings.series(target, part)
                for target, (part, _) in ranges.items()
                if part is not None
            ]
        return series, missing

    series, missing = loop.run(read())
    drawing.write(series)
    if missing and days is not None:
        raise Failure(f"{count(missing, 'day')} missing", INCOMPLETE)


def _check_nothing_is_fetched(ctx: click.Context) -> None:
    """Refuse options that would have no effect."""
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in _OF_FETCHING and source is ParameterSource.COMMANDLINE:
            name = max(parameter.opts, key=len)
            raise click.UsageError(f"{name} is for days that are fetched; with a store, nothing is requested")


def _of_fetched_days(ctx: click.Context, options: Options, drawing: Drawing, days: DateRange) -> None:
    """Fetch the days, and draw what was fetched, however that ended."""
    rate = options.rate or default_rate()
    ranges = checked_ranges(options.selection, rate, days)
    drawing.check(len(ranges))
    asked = Asked(ranges, days, rate, options.access, options.store, fail_fast=options.fail_fast)
    outcome, summary = asked.collect()
    if outcome.fetched:
        _draw_or_rescue(drawing, outcome)
    say(summary())
    tell_provisional(outcome)
    if outcome.complete:
        return
    tell_failed(outcome)
    resume.tell_same(ctx, days, output=drawing.output, when="To fetch it again:")
    raise failure_of(outcome)


def _draw_or_rescue(drawing: Drawing, outcome: Outcomes) -> None:
    """Draw what was fetched; if that fails, the data is nowhere else, so keep it where temporary files go."""
    try:
        drawing.write(list(outcome.hourly()))
    except BrokenPipeError:  # the reader of stdout wants no more
        raise
    except Exception:
        kept = rescued(outcome, "csv", None)
        if kept is not None:
            say(f"the data is in {kept}")
        raise
