"""``hourlyclicks backfill``: years of many targets into a store, over as many runs as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INTERRUPTED, Failure
from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.deadlines import read_deadline
from hourlyclicks.cli.options.keys import find_key
from hourlyclicks.cli.options.shared import default_pace, present, with_pace, with_period
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.report import failure, go_on, report_lines
from hourlyclicks.cli.progress.tally import start_tally
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.selection import with_targets
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import check_begun
from hourlyclicks.render.words import count

if TYPE_CHECKING:
    import asyncio
    import datetime as dt

    from hourlyclicks.cli.options.access import Access
    from hourlyclicks.cli.options.deadlines import Deadline
    from hourlyclicks.cli.options.shared import Period, RateOptions
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.client import Order
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.targets import Target

RETRY = RetryPolicy()
"""How hard to try; that of the library."""

_STOPPING = "stopping: nothing more is sent, what is under way is kept; Ctrl-C once more ends at once"


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
    where, now = store.needed(), present()
    until = None if deadline is None else deadline.limit(now)
    days = period.days(access.zone, now)
    pace = pace or default_pace()
    targets = _checked(selection, pace, days, now)
    title = f"{_named(targets)}, {days}"
    tally = start_tally(title, len(days) * len(targets), pace.limits, stored=True, several=len(targets) > 1)
    view = open_view(tally)
    client = access.client(
        find_key(access.key_file),
        limits=pace.limits,
        retry=RETRY,
        on_event=view,
        store=where,
        account=store.account,
    )

    async def backfill(stop: asyncio.Event) -> BackfillReport:
        async with client:
            return await client.backfill(
                days.start,
                days.end,
                targets,
                deadline=until,
                max_requests=max_requests,
                order=order,
                refresh=refresh,
                retry_refused=retry_refused,
                stop=stop,
            )

    try:
        with shown(view):
            report = loop.run_until_stopped(backfill, on_stop=lambda: say(_STOPPING))
    except HourlyClicksError as error:
        if error.report is not None:
            _tell(ctx, error.report, days)
        raise
    except KeyboardInterrupt:
        resume.tell_same(ctx, days)
        raise Failure("interrupted; what was under way is lost", INTERRUPTED) from None
    _tell(ctx, report, days)
    ended = failure(report)
    if ended is not None:
        raise ended


def _checked(
    selection: Selection, pace: RateOptions, days: DateRange, now: dt.datetime
) -> tuple[Target, ...]:
    """Return the targets, once it is certain that they can be asked about."""
    if not selection:
        raise click.UsageError("which targets? Say --link with --domain, --group, --account or --targets")
    targets = selection.read()
    for target in targets:
        pace.check(target)
    check_begun(days.end, now)
    return targets


def _named(targets: tuple[Target, ...]) -> str:
    return str(targets[0]) if len(targets) == 1 else count(len(targets), "target")


def _tell(ctx: click.Context, report: BackfillReport, days: DateRange) -> None:
    """Write the report to stderr, and how to go on if there is more to do."""
    now = present()
    for line in report_lines(report, now, status=resume.status_of(ctx, "--all")):
        say(line)
    if not report.complete:
        resume.tell_same(ctx, days, when=go_on(report, now))
