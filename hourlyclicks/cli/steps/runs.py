"""Run a backfill or a sync: its options, its progress, and what is told of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INTERRUPTED, CommandError
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.options.deadlines import Deadline
from hourlyclicks.cli.options.limits import RateOptions, default_rate
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.report import failure, go_on, report_lines
from hourlyclicks.cli.progress.stats import start_stats
from hourlyclicks.cli.progress.stops import Stops
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.selection import Selection
from hourlyclicks.cli.steps.keys import find_key
from hourlyclicks.cli.steps.migrating import migrate
from hourlyclicks.client import Order
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.report import BackfillReport
from hourlyclicks.model.targets import Target
from hourlyclicks.pacing.eta import forecast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hourlyclicks.cli.output.record import Record
    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.client import Client
    from hourlyclicks.events import Hook
    from hourlyclicks.model.target_days import TargetItem, TargetSource
    from hourlyclicks.pacing.eta import Estimate

RETRY = RetryPolicy()
"""How hard to try; that of the library."""

STOPPING = "stopping: no more requests are sent, pending responses are saved; Ctrl-C again ends at once"
"""What is said when a run is asked to stop."""


@attrs.frozen(kw_only=True)
class StoreRunOptions:
    """The options of a run that fills a store.

    Args:
        store: the store.
        selection: the targets.
        rate: the limits to keep; ``None``: those of the smallest plan.
        deadline: when to stop.
        max_requests: how many requests it may send.
        order: which days to fetch first.
        retry_refused: whether to request days again that the API rejected.
        name: the name by which other processes know it, if it has one.
        all_links: whether all links of the account are targets.
        since_creation: whether each of them begins with the day of its creation.
        access: how to reach the API.
        report: the file for the report of the run; ``-``: stdout.
        quiet: whether to say nothing but errors.
    """

    store: StoreChoice
    selection: Selection
    rate: RateOptions | None
    deadline: Deadline | None
    max_requests: int | None
    order: Order
    retry_refused: bool
    name: str | None
    all_links: bool
    since_creation: bool
    access: Access
    report: Path | None
    quiet: bool

    @property
    def limits(self) -> RateOptions:
        """The limits to keep."""
        return self.rate or default_rate()

    @property
    def reads_all_first(self) -> bool:
        """Whether all targets are known before anything is requested."""
        return not self.all_links or self.order == "newest-day"

    def targets_and_since(self) -> tuple[tuple[Target, ...], dict[Target, dt.date]]:
        """Return the targets and their first days, once it is certain that they can be requested."""
        if self.since_creation and not self.all_links:
            raise click.UsageError("--since-creation needs --all-links")
        if not self.selection and not self.all_links:
            raise click.UsageError(
                "no target given: use --link with --domain, --group, --account, --targets or --all-links"
            )
        if self.all_links:
            _ = self.limits.of_lists  # raises an error if the plan does not include lists
        targets, since = self.selection.read_with_since()
        for target in targets:
            self.limits.check(target)
        return targets, since

    @asynccontextmanager
    async def source(self, run: StoreRun, key: str, on_event: Hook) -> AsyncIterator[TargetSource]:
        """Return the targets of a run; the list of all links is read by a client with limits of its own."""
        if not self.all_links:
            yield run.targets
            return
        rate = attrs.evolve(self.limits, limits=self.limits.of_lists)
        client = self.access.client(key, rate=rate, retry=RETRY, on_event=on_event)
        async with client:
            yield _with_all_links(run.targets, client, since_creation=self.since_creation)


async def _with_all_links(
    targets: tuple[Target, ...], client: Client, *, since_creation: bool
) -> AsyncIterator[TargetItem]:
    """Yield the targets that were named, then all links."""
    for target in targets:
        yield target
    async for link in client.links():
        yield link if since_creation else link.target


@attrs.frozen
class StoreRun:
    """What a run has to do.

    Args:
        title: what is fetched, in words.
        targets: the targets that were named.
        since: first days of them.
        several: whether there is more than one target.
        most: the number of days of all targets; 0: it is not known before the store was surveyed.
        days: the days, if the command to go on has to name them.
        call: starts it, with a client and the arguments that all runs have.
    """

    title: str
    targets: tuple[Target, ...]
    since: dict[Target, dt.date]
    several: bool
    most: int
    days: DateRange | None
    call: Callable[..., Awaitable[BackfillReport]]


def carry_out(ctx: click.Context, options: StoreRunOptions, run: StoreRun, record: Record) -> None:
    """Carry out a run, show its progress, and tell what came of it."""
    access, store = options.access, options.store
    now = present()
    until = None if options.deadline is None else options.deadline.limit(now)
    key = find_key(access.key_file)
    migrate(store)

    def from_now(requests: int) -> Estimate:
        return client.forecast(requests)

    deadline = now + until if isinstance(until, dt.timedelta) else until
    stops = Stops(from_now, deadline, options.max_requests)
    view = open_view(_stats_of(run, options, stops), drawn=not options.quiet)
    client: Client = access.client(
        key, rate=options.limits, retry=RETRY, on_event=view, store=store.where, account=store.account
    )
    stopped_by: list[str] = []

    def on_stop(by: str) -> None:
        stopped_by.append(by)
        say(STOPPING)

    async def fill(stop: asyncio.Event) -> BackfillReport:
        async with client, options.source(run, key, view) as source:
            with _recorded_on_error(record):
                record.report = await run.call(
                    client,
                    targets=source,
                    since=run.since,
                    deadline=until,
                    max_requests=options.max_requests,
                    order=options.order,
                    retry_refused=options.retry_refused,
                    stop=stop,
                    name=options.name,
                )
            return record.report

    try:
        with shown(view):
            report = loop.run_until_stopped(fill, on_stop=on_stop)
    except HourlyClicksError as error:
        if error.report is not None:
            _tell(ctx, error.report, run.days)
        raise
    except KeyboardInterrupt:
        resume.tell_same(ctx, run.days)
        raise CommandError("interrupted; requests under way are lost", INTERRUPTED) from None
    _tell(ctx, report, run.days, stopped_by[0] if stopped_by else "`hourlyclicks stop`")
    ended = failure(report)
    if ended is not None:
        raise ended


def _stats_of(run: StoreRun, options: StoreRunOptions, stops: Stops) -> RunStats:
    """Return the stats of a run that begins now."""
    rate = options.limits
    return start_stats(
        run.title,
        rate.limits,
        forecast(options.access.requests(run.most, rate), rate.limits),
        days=run.most,
        stored=True,
        several=run.several,
        surveyed=options.reads_all_first,
        stops=stops,
    )


@contextmanager
def _recorded_on_error(record: Record) -> Iterator[None]:
    """Record the report that an error or a cancellation carries."""
    try:
        yield
    except (HourlyClicksError, asyncio.CancelledError) as error:
        record.report = getattr(error, "report", None)
        raise


def named(targets: tuple[Target, ...], options: StoreRunOptions) -> str:
    """Return the only target, or the number of targets, and whether there are all links besides."""
    several = str(targets[0]) if len(targets) == 1 else count(len(targets), "target")
    if not options.all_links:
        return several
    return f"{several} and all links" if targets else "all links"


def _tell(
    ctx: click.Context, report: BackfillReport, days: DateRange | None, stopped_by: str | None = None
) -> None:
    """Write the report to stderr, and how to go on if there is more to do."""
    now = present()
    for line in report_lines(report, now, status=resume.status_of(ctx, "--all"), stopped_by=stopped_by):
        say(line)
    if not report.complete:
        resume.tell_same(ctx, days, when=go_on(report, now))
