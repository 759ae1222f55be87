"""What ``hourlyclicks fleet run`` does."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.cli.console import hangup, loop
from hourlyclicks.cli.console.messages import quiet, say
from hourlyclicks.cli.exits import INTERRUPTED, CommandError
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.accounts import AccountDefaults, read_accounts
from hourlyclicks.cli.options.days import Period, present
from hourlyclicks.cli.options.deadlines import Deadline
from hourlyclicks.cli.options.limits import RateOptions
from hourlyclicks.cli.options.stores import STORE_VARIABLE, StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.output.fleet import failure, report_lines
from hourlyclicks.cli.progress.fleet_plain import open_fleet_view
from hourlyclicks.cli.progress.fleet_stats import FleetRunStats
from hourlyclicks.cli.progress.views import shown
from hourlyclicks.cli.steps.migrating import migrate
from hourlyclicks.cli.steps.runs import RETRY, STOPPING
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.run import run_jobs
from hourlyclicks.model.quantities import count
from hourlyclicks.model.zones import check_begun
from hourlyclicks.pacing.plans import Rate

if TYPE_CHECKING:
    import asyncio

    from hourlyclicks.cli.progress.fleet_plain import FleetView
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.fleet_report import FleetReport

_SHOWN = 10
"""How many warnings are shown."""


@attrs.frozen(kw_only=True)
class Options:
    """The options of ``fleet run``.

    Args:
        accounts: the file that lists the accounts.
        store: the store of all of them.
        period: the days of accounts for which the file names none.
        rate: the limits of accounts for which the file names none.
        at_once: how many accounts may be active.
        most: the limit of all accounts together, if there is one.
        deadline: when to stop.
        scheduler: the scheduler of the cluster that does the work; ``None``: this process does it.
        name: the name of the run, if it was given one.
        access: how to reach the API.
        as_json: whether to write the report to stdout.
        quiet: whether to say nothing but errors.
    """

    accounts: Path
    store: StoreChoice
    period: Period | None
    rate: RateOptions | None
    at_once: int
    most: Rate | None
    deadline: Deadline | None
    scheduler: str | None
    name: str | None
    access: Access
    as_json: bool
    quiet: bool


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    with quiet(on=options.quiet), hangup.interrupting():
        _check_store(options)
        now = present()
        days = None if options.period is None else options.period.days(options.access.zone, now)
        if days is not None:
            check_begun(days.end, now)
        jobs = _jobs(options, days)
        if options.scheduler is None:
            migrate(options.store)
        _run(ctx, options, jobs, days)


def _check_store(options: Options) -> None:
    """Check that the store can be used; that of a cluster is where its workers find it."""
    if options.scheduler is None:
        options.store.check_folder()
    elif options.store.by_option:
        raise click.UsageError(
            f"with --scheduler, the store is what {STORE_VARIABLE} says on the workers: leave --store out"
        )


def _jobs(options: Options, days: DateRange | None) -> list[AccountJob]:
    """Return the accounts in the file; what may be a slip is told on stderr."""
    rate = options.rate
    published = rate is not None and rate.plan is not None and rate.limits == rate.plan.limits
    warnings: list[str] = []
    jobs = read_accounts(
        options.accounts,
        AccountDefaults(
            plan=rate.plan if rate is not None and published else None,
            limits=None if rate is None or published else rate.limits,
            start=None if days is None else days.start,
            end=None if days is None else days.end,
        ),
        warnings.append,
    )
    for text in warnings[:_SHOWN]:
        say(f"warning: {text}")
    if len(warnings) > _SHOWN:
        say(f"warning: {len(warnings) - _SHOWN:,} more of these")
    return jobs


def _title(jobs: list[AccountJob], days: DateRange | None) -> str:
    """Return how many accounts there are, and their days, if those of the command hold for all of them."""
    accounts = count(len(jobs), "account")
    if days is None or any((job.start, job.end) != (days.start, days.end) for job in jobs):
        return accounts
    return f"{accounts}, {days}"


def _run(ctx: click.Context, options: Options, jobs: list[AccountJob], days: DateRange | None) -> None:
    """Run the jobs, show the progress, and tell what came of them."""
    now = present()
    until = None if options.deadline is None else options.deadline.limit(now)
    title = _title(jobs, days)
    stats = FleetRunStats(title, len(jobs), now + until if isinstance(until, dt.timedelta) else until)
    view = open_fleet_view(stats, drawn=not options.quiet)
    stopped_by: list[str] = []

    def on_stop(by: str) -> None:
        stopped_by.append(by)
        say(STOPPING)

    try:
        with shown(view):
            report = loop.run_until_stopped(
                lambda stop: _fill(options, jobs, view, until, stop), on_stop=on_stop
            )
    except HourlyClicksError as error:
        if error.fleet_report is not None:
            _tell(ctx, options, error.fleet_report, days)
        raise
    except KeyboardInterrupt:
        resume.tell_same(ctx, days)
        raise CommandError("interrupted; requests under way are lost", INTERRUPTED) from None
    _tell(ctx, options, report, days, stopped_by[0] if stopped_by else None)
    ended = failure(report)
    if ended is not None:
        raise ended


async def _fill(
    options: Options,
    jobs: list[AccountJob],
    view: FleetView,
    until: dt.timedelta | dt.datetime | None,
    stop: asyncio.Event,
) -> FleetReport:
    access = options.access
    common: dict[str, Any] = {
        "at_once": options.at_once,
        "rate": options.most,
        "deadline": until,
        "stop": stop,
        "on_event": view,
        "name": options.name,
        "base_url": access.base_url,
        "retry": RETRY,
        "endpoint": access.endpoint,
        "timezone": access.zone,
        "user_agent": access.user_agent,
        "proxy": access.proxy,
    }
    if options.scheduler is None:
        return await run_jobs(jobs, store=options.store.needed(), **common)
    from hourlyclicks.fleet.dask_scheduler import backfill_at  # noqa: PLC0415 - distributed is an extra

    return await backfill_at(options.scheduler, jobs, KeyRef.env(STORE_VARIABLE), **common)


def _tell(
    ctx: click.Context,
    options: Options,
    report: FleetReport,
    days: DateRange | None,
    stopped_by: str | None = None,
) -> None:
    """Write the report to stderr, and how to go on if there is more to do."""
    if options.as_json:
        with writing("jsonl", None):
            sys.stdout.write(json.dumps(report.as_dict(), indent=2) + "\n")
    for line in report_lines(report, stopped_by=stopped_by):
        say(line)
    if not report.complete:
        resume.tell_same(ctx, days)
