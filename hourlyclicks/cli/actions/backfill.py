"""What ``hourlyclicks backfill`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli.actions.keys import find_key
from hourlyclicks.cli.actions.migrating import migrate
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INTERRUPTED, Failure
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.deadlines import Deadline
from hourlyclicks.cli.options.shared import Period, RateOptions, default_rate, present
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.report import failure, go_on, report_lines
from hourlyclicks.cli.progress.stats import start_stats
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.selection import Selection
from hourlyclicks.client import Order
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import check_begun
from hourlyclicks.pacing.eta import forecast
from hourlyclicks.render.phrases import count

if TYPE_CHECKING:
    import asyncio
    import datetime as dt

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.targets import Target

RETRY = RetryPolicy()
"""How hard to try; that of the library."""

_STOPPING = "stopping: no more requests are sent, pending responses are saved; Ctrl-C again ends at once"


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        store: the store.
        selection: the targets.
        period: the days.
        rate: the limits to keep; ``None``: those of the smallest plan.
        deadline: when to stop.
        max_requests: how many requests it may send.
        order: which days of a target to fetch first.
        refresh: whether to request final days again, too.
        retry_refused: whether to request days again that the API rejected.
        name: the name by which other processes know it, if it has one.
        access: how to reach the API.
    """

    store: StoreChoice
    selection: Selection
    period: Period
    rate: RateOptions | None
    deadline: Deadline | None
    max_requests: int | None
    order: Order
    refresh: bool
    retry_refused: bool
    name: str | None
    access: Access


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    access, store = options.access, options.store
    where, now = store.needed(), present()
    until = None if options.deadline is None else options.deadline.limit(now)
    days = options.period.days(access.zone, now)
    rate = options.rate or default_rate()
    targets = _checked(options.selection, rate, days, now)
    estimate = forecast(len(days) * len(targets), rate.limits)
    key = find_key(access.key_file)
    migrate(store)
    title = f"{_named(targets)}, {days}"
    view = open_view(start_stats(title, rate.limits, estimate, stored=True, several=len(targets) > 1))
    client = access.client(
        key,
        limits=rate.limits,
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
                max_requests=options.max_requests,
                order=options.order,
                refresh=options.refresh,
                retry_refused=options.retry_refused,
                stop=stop,
                name=options.name,
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
        raise Failure("interrupted; requests under way are lost", INTERRUPTED) from None
    _tell(ctx, report, days)
    ended = failure(report)
    if ended is not None:
        raise ended


def _checked(
    selection: Selection, rate: RateOptions, days: DateRange, now: dt.datetime
) -> tuple[Target, ...]:
    """Return the targets, once it is certain that they can be asked about."""
    if not selection:
        raise click.UsageError("no target given: use --link with --domain, --group, --account or --targets")
    targets = selection.read()
    for target in targets:
        rate.check(target)
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
