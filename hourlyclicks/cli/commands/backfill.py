"""``hourlyclicks backfill``: years of many targets into a store, over as many runs as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.deadlines import read_deadline
from hourlyclicks.cli.options.shared import with_pace, with_period
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    from hourlyclicks.cli.options.access import Access
    from hourlyclicks.cli.options.deadlines import Deadline
    from hourlyclicks.cli.options.shared import Period, RateOptions
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.client import Order


@click.command(name="backfill", cls=StrictCommand)
@with_store
@with_targets
@with_period
@with_pace
@click.option(
    "--deadline",
    metavar="45m|06:00",
    type=read_deadline,
    help="Stop after a time (45m, 2h, 1h30m), or at a local time of day.",
)
@click.option("--max-requests", metavar="N", type=click.IntRange(0), help="Stop after so many requests.")
@click.option(
    "--order",
    type=click.Choice(["oldest", "newest"]),
    default="oldest",
    show_default=True,
    help="Which days of a target come first.",
)
@click.option("--refresh", is_flag=True, help="Ask also for days that the store has for good.")
@click.option("--retry-refused", is_flag=True, help="Ask again for days that the API rejected.")
@with_access
@click.pass_context
def command(
    ctx: click.Context,
    *,
    store: StoreChoice,
    selection: Selection,
    period: Period,
    pace: RateOptions | None,
    deadline: Deadline | None,
    max_requests: int | None,
    order: Order,
    refresh: bool,
    retry_refused: bool,
    access: Access,
) -> None:
    """Bring years of many targets into a store, over as many runs as it takes.

    Asks for what the store does not have for good, beginning with what failed in an earlier run. May be run
    again after any end, and by several processes at once. Ctrl-C, SIGTERM and SIGHUP let it keep what is
    under way.

    Targets are named by --link with --domain, --group and --account, or listed in a FILE: CSV with the
    columns link and domain, group or target, or TOML with a [[target]] for each. The API key is read from the
    environment variable HOURLYCLICKS_API_KEY, or from a file that only you can read.
    """
    from hourlyclicks.cli.actions import backfill  # noqa: PLC0415 - its help needs less

    backfill.run(
        ctx,
        store=store,
        selection=selection,
        period=period,
        pace=pace,
        deadline=deadline,
        max_requests=max_requests,
        order=order,
        refresh=refresh,
        retry_refused=retry_refused,
        access=access,
    )
