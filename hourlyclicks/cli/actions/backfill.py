"""What ``hourlyclicks backfill`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.cli.console.messages import quiet
from hourlyclicks.cli.options.days import Period, present
from hourlyclicks.cli.output.record import recording
from hourlyclicks.cli.steps.runs import StoreRun, StoreRunOptions, carry_out, named
from hourlyclicks.model.target_days import days_of_each
from hourlyclicks.model.zones import check_begun

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import click

    from hourlyclicks.client import Client
    from hourlyclicks.model.report import BackfillReport


@attrs.frozen(kw_only=True)
class Options(StoreRunOptions):
    """The options of ``backfill``.

    Args:
        period: the days.
        refresh: whether to request final days again, too.
    """

    period: Period
    refresh: bool


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    with quiet(on=options.quiet), recording("backfill", options.report) as record:
        carry_out(ctx, options, _run_of(options), record)


def _run_of(options: Options) -> StoreRun:
    """Return what there is to do, once it is certain that it can be done."""
    options.store.check_folder()
    now = present()
    days = options.period.days(options.access.zone, now)
    targets, since = options.targets_and_since()
    check_begun(days.end, now)

    def call(client: Client, **common: Any) -> Awaitable[BackfillReport]:  # noqa: ANN401 - see `StoreRun`
        return client.backfill(days.start, days.end, refresh=options.refresh, **common)

    return StoreRun(
        f"{named(targets, options)}, {days}",
        targets,
        since,
        several=options.all_links or len(targets) > 1,
        most=0 if options.all_links else sum(map(len, days_of_each(targets, days, since).values())),
        days=days,
        call=call,
    )
