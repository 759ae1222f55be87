"""What ``hourlyclicks demo`` does."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from rich.text import Text

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.demo.filling import fill, stored
from hourlyclicks.cli.demo.killing import FEWEST, KilledBackfill
from hourlyclicks.cli.demo.page import write_page
from hourlyclicks.cli.demo.result_lines import line
from hourlyclicks.cli.demo.settings import DELAY, FAULTS, LIMITS, LINK, RATE, SCALE, TODAY
from hourlyclicks.cli.exits import INCOMPLETE, INTERRUPTED, UNEXPECTED, CommandError, sentence
from hourlyclicks.cli.options.faults import faults_in_words, random_faults
from hourlyclicks.cli.output.browser import browse
from hourlyclicks.cli.progress.drawing import terminal
from hourlyclicks.cli.progress.stats import start_stats
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.steps.collecting import TargetOutcome
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.targets import Target
from hourlyclicks.pacing.eta import forecast, theoretical_minimum
from hourlyclicks.render.heatmap import heatmap
from hourlyclicks.render.phrases import limits_in_words
from hourlyclicks.render.tables import WEEKDAYS, palette_for
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.cli.progress.stats import RunStats


@attrs.frozen
class KilledProcess:
    """How the first process ended.

    Args:
        killed: whether it was killed; else it was done before a good moment came.
        known: the days that were in the store then.
        asked: how often each day had been asked for.
        retries: how many of its requests repeated one that had failed.
    """

    killed: bool
    known: frozenset[dt.date]
    asked: Counter[tuple[Target, dt.date]]
    retries: int = 0

    def asked_again(self, asked: Counter[tuple[Target, dt.date]]) -> int:
        """Return how many days were asked for again although the store had them."""
        return sum(asked[LINK, day] != self.asked[LINK, day] for day in self.known)


@attrs.frozen
class Run:
    """A demonstration that is over.

    Args:
        outcome: what was fetched.
        retries: how many requests repeated one that had failed.
        seconds: how long it took.
        wrong_days: how many of the days differ from the server's own figures.
        server: the server, for what it counted.
        first: how the first process ended, if there were two.
    """

    outcome: TargetOutcome[HourlySeries]
    retries: int
    seconds: float
    wrong_days: int
    server: Simulator
    first: KilledProcess | None = None

    @property
    def refused(self) -> int:
        """How many requests the server refused for the limit."""
        counters = self.server.counters
        return counters.over_limit + counters.over_concurrency

    @property
    def asked_again(self) -> int:
        """How many days were asked for again although the store had them."""
        return 0 if self.first is None else self.first.asked_again(self.server.counters.asked)

    def failure(self) -> CommandError | None:
        """Return what is not as it must be."""
        outcome, total = self.outcome, len(self.outcome.series.range)
        if outcome.interrupted:
            return CommandError(
                f"interrupted after {outcome.fetched:,} of {count(total, 'day')}", INTERRUPTED
            )
        if not outcome.complete:
            error = outcome.ended_by or min(outcome.failures.items())[1]
            return CommandError(
                f"{count(total - outcome.fetched, 'day')} missing; {sentence(error)}", INCOMPLETE
            )
        if self.wrong_days or self.refused or self.asked_again:
            problem = f"{count(self.wrong_days, 'day')} wrong, {count(self.refused, 'request')} refused"
            if self.asked_again:
                problem += f", {count(self.asked_again, 'day')} paid for twice"
            return CommandError(f"unexpected result: {problem}", UNEXPECTED)
        return None


def run(*, days: int, seed: int, no_faults: bool, show: bool) -> None:
    """See the help of the command."""
    period = DateRange(TODAY - dt.timedelta(days=days), TODAY - dt.timedelta(days=1))
    spoilt = 0.0 if no_faults else FAULTS
    server = Simulator(
        seed=seed,
        plan="business",
        time_scale=SCALE,
        latency=DELAY,
        timezone="UTC",
        faults=random_faults(spoilt, seed=seed),
    )
    run = loop.run(_demonstrate(server, period, spoilt=spoilt))
    if not run.outcome.interrupted:
        page = write_page(run.outcome.series)
        _show(run, page)
        if show:
            browse(page)
    failure = run.failure()
    if failure is not None:
        raise failure


async def _demonstrate(server: Simulator, period: DateRange, *, spoilt: float) -> Run:
    """Fetch, be killed, fetch the rest, and compare with what the server knows."""
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        async with server:
            say(f"A simulated server listens on {server.url}.")
            say(f"It allows {limits_in_words(LIMITS)}; {spoilt:.0%} of its answers go wrong.")
            store, began, first = Path(folder) / "clicks.db", time.monotonic(), None
            if len(period) >= FEWEST:
                first = await _killed_run(server, store, period)
            view = open_view(_count_days(period, stored=first is not None))
            with shown(view):
                outcome = await fill(server, store, period, view)
            seconds = time.monotonic() - began
    retries = view.stats.retries + (first.retries if first is not None else 0)
    return Run(outcome, retries, seconds, wrong_days(outcome.series, server), server, first)


async def _killed_run(server: Simulator, store: Path, period: DateRange) -> KilledProcess:
    """Let a process of its own begin, kill it, and look what it has left."""
    view = open_view(_count_days(period, stored=False))
    with shown(view):
        killed = await KilledBackfill(server, store, period, on_event=view).run()
    known = frozenset(day.date for day in (await stored(store, period)).days())
    say(f"Killed with {count(len(known), 'day')} in the store; started again." if killed else "Not killed.")
    return KilledProcess(
        killed=killed, known=known, asked=server.counters.asked.copy(), retries=view.stats.retries
    )


def _count_days(period: DateRange, *, stored: bool) -> RunStats:
    estimate = forecast(len(period), LIMITS, latency=sum(DELAY))
    return start_stats(f"{LINK}, {period}", LIMITS, estimate, stored=stored)


def wrong_days(series: HourlySeries, server: Simulator) -> int:
    """Return how many of the days that were fetched differ from what the server holds."""
    truth = server.cells(series.target, series.range.start, series.range.end)
    return sum(
        tuple(zip(day.clicks, day.unique_users, strict=True)) != truth[day.date] for day in series.days()
    )


def _show(run: Run, page: Path) -> None:
    """Print the picture, the figures, and where the page is."""
    console = terminal(stderr=False)
    palette = palette_for(console.encoding)
    series = run.outcome.series
    for each in (Text(), *heatmap(series.clicks_by_weekday_hour(), palette), Text(), *_figures(run)):
        console.print(each, soft_wrap=True)
    console.print(line("page", str(page)), soft_wrap=True)


def _figures(run: Run) -> Iterator[Text]:
    """Yield the result, a line for each fact."""
    series, counters = run.outcome.series, run.server.counters
    days = len(series.range)
    hours = sum(day.reported_hours for day in series.days())
    silent = days * 24 - hours
    were = "was" if silent == 1 else "were"
    clicks = f"{series.total_clicks:,} in {count(hours, 'hour')}"
    yield line("clicks", f"{clicks}; {count(silent, 'hour')} {were} not reported")
    peak = series.peak
    if peak is not None:
        weekday = WEEKDAYS[peak.date.weekday()]
        yield line("peak", f"{peak.clicks:,} on {weekday} {peak.date} from {peak.hour} to {peak.hour + 1} h")
    least = theoretical_minimum(counters.requests, RATE, concurrency=LIMITS.concurrency, latency=2 * DELAY[0])
    yield line("time", f"{run.seconds:.1f} s; the limit alone makes it {least:.1f} s")
    yield line("requests", f"{counters.requests:,} for {count(days, 'day')}, {count(run.retries, 'retry')}")
    if counters.faults:
        yield line("faults", faults_in_words(counters.faults))
    most = run.server.max_in_window(60.0)
    yield line("limit", limits_in_words(LIMITS))
    yield line(
        "seen", f"at most {count(most, 'request')} in {RATE.seconds:g} s, {counters.max_concurrent} at a time"
    )
    if run.first is not None and run.first.killed:
        yield line("killed", killed_line(run.first, days, run.asked_again), good=not run.asked_again)
    yield line("refused", f"{run.refused:,} (HTTP 429), as the server counts", good=not run.refused)
    differ = "differs" if run.wrong_days == 1 else "differ"
    wrong = f"{count(run.wrong_days, 'day')} {differ} from the server's figures"
    exact = f"all {days * 24:,} hours equal the server's figures"
    yield line("exact", wrong if run.wrong_days else exact, good=not run.wrong_days)


def killed_line(first: KilledProcess, days: int, again: int) -> str:
    """Say how far the first process came, and what was left to the second one."""
    known = len(first.known)
    which = f"{again:,} again" if again else "none again"
    return f"with {known:,} of {count(days, 'day')} done; restarted for the other {days - known:,}, {which}"
