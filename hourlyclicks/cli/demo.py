"""``hourlyclicks demo``: a real backfill before one's eyes, against a server that fights back.

The server polices its limits with a log of all arrivals, delays every request and every answer, and spoils
some. Its "minute" lasts a few seconds, so that the limit is felt and nobody has to wait for long.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import TYPE_CHECKING

import attrs
import click
from rich.text import Text

from hourlyclicks.cli import loop
from hourlyclicks.cli.collecting import Outcome, collect
from hourlyclicks.cli.exits import INCOMPLETE, INTERRUPTED, UNEXPECTED, Failure, sentence
from hourlyclicks.cli.heatmap import heatmap
from hourlyclicks.cli.live import terminal
from hourlyclicks.cli.mishaps import mishaps, named
from hourlyclicks.cli.progress import Tally, start_tally
from hourlyclicks.cli.tables import WEEKDAYS, palette_for
from hourlyclicks.cli.views import open_view, shown
from hourlyclicks.cli.words import count, pace, say
from hourlyclicks.client import Client
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Link
from hourlyclicks.net.retry import RetryPolicy
from hourlyclicks.pacing.lanes import Lane
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.schedule import theoretical_minimum
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.series import HourlySeries

LINK = Link("3mYq", "https://vvd.bz")
TODAY = dt.date(2025, 7, 1)
"""The simulated day. It is always the same, so that a seed always gives the same figures."""

SCALE = 1 / 25
FAULTS = 0.15
DELAY = (0.005, 0.060)
RETRY = RetryPolicy(attempts=8, base=0.25, cap=2.0, budget=math.inf)
"""More patient than the default, since one answer in seven is spoilt, and quicker: minutes are short."""

RATE = Rate(24, 60.0 * SCALE)
LIMITS = Limits((RATE,), concurrency=2, guard=SCALE)
"""Those of the Business plan, on the time scale of the server."""


@attrs.frozen
class Run:
    """A demonstration that is over.

    Args:
        outcome: what was fetched.
        tally: what the client said about it.
        seconds: how long it took.
        wrong_days: how many of the days differ from the server's own figures.
        server: the server, for what it counted.
    """

    outcome: Outcome
    tally: Tally
    seconds: float
    wrong_days: int
    server: Simulator

    @property
    def refused(self) -> int:
        """How many requests the server refused for the limit."""
        counters = self.server.counters
        return counters.over_limit + counters.over_concurrency

    def failure(self) -> Failure | None:
        """Return what is not as it must be."""
        outcome, total = self.outcome, len(self.outcome.series.range)
        if outcome.interrupted:
            return Failure(f"interrupted after {outcome.fetched:,} of {count(total, 'day')}", INTERRUPTED)
        if not outcome.complete:
            error = outcome.ended_by or min(outcome.failures.items())[1]
            return Failure(f"{count(total - outcome.fetched, 'day')} missing; {sentence(error)}", INCOMPLETE)
        if self.wrong_days or self.refused:
            problem = f"{count(self.wrong_days, 'day')} wrong, {count(self.refused, 'request')} refused"
            return Failure(f"this must not be: {problem}", UNEXPECTED)
        return None


@click.command(name="demo")
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3653),
    default=90,
    show_default=True,
    help="How many days to fetch.",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Another seed, other traffic and other faults.",
)
@click.option("--no-faults", is_flag=True, help="Let the server answer every request well.")
def command(*, days: int, seed: int, no_faults: bool) -> None:
    """Watch 90 days being fetched from a simulated server with limits and faults.

    Needs no key and no network. The exit code is 0 only if every hour is right and the server, by its own
    count, never had to refuse a request.
    """
    period = DateRange(TODAY - dt.timedelta(days=days), TODAY - dt.timedelta(days=1))
    spoilt = 0.0 if no_faults else FAULTS
    server = Simulator(
        seed=seed,
        plan="business",
        time_scale=SCALE,
        latency=DELAY,
        today=TODAY,
        timezone="UTC",
        faults=mishaps(spoilt, seed=seed),
    )
    run = loop.run(_watch(server, period, spoilt=spoilt))
    if not run.outcome.interrupted:
        _show(run)
    failure = run.failure()
    if failure is not None:
        raise failure


async def _watch(server: Simulator, period: DateRange, *, spoilt: float) -> Run:
    """Fetch, and compare with what the server knows."""
    async with server:
        say(f"A simulated server listens on {server.url}.")
        say(f"It allows {pace(LIMITS)}; {spoilt:.0%} of its answers go wrong.")
        view = open_view(start_tally(f"{LINK}, {period}", period, LIMITS, latency=sum(DELAY)))
        client = Client(
            server.key, base_url=server.url, limits=LIMITS, retry=RETRY, timezone="UTC", on_event=view
        )
        began = time.monotonic()
        with shown(view):
            async with client:
                outcome = await collect(client, period, LINK, lane=Lane.INTERACTIVE)
        return Run(outcome, view.tally, time.monotonic() - began, wrong_days(outcome.series, server), server)


def wrong_days(series: HourlySeries, server: Simulator) -> int:
    """Return how many of the days that were fetched differ from what the server holds."""
    truth = server.truth(series.target, series.range.start, series.range.end)
    return sum(
        tuple(zip(day.clicks, day.unique_users, strict=True)) != truth[day.date] for day in series.days()
    )


def _show(run: Run) -> None:
    """Print the picture and the figures."""
    console = terminal(stderr=False)
    palette = palette_for(console.encoding)
    series = run.outcome.series
    for line in (Text(), *heatmap(series.clicks_by_weekday_hour(), palette), Text(), *_figures(run)):
        console.print(line, soft_wrap=True)


def _figures(run: Run) -> Iterator[Text]:
    """Yield the result, a line for each fact."""
    series, counters = run.outcome.series, run.server.counters
    days = len(series.range)
    hours = sum(day.reported_hours for day in series.days())
    yield _line(
        "clicks", f"{series.total_clicks:,} in {hours:,} hours; {days * 24 - hours:,} hours were not reported"
    )
    peak = series.peak
    if peak is not None:
        weekday = WEEKDAYS[peak.date.weekday()]
        yield _line("peak", f"{peak.clicks:,} on {weekday} {peak.date} from {peak.hour} to {peak.hour + 1} h")
    least = theoretical_minimum(counters.requests, RATE, concurrency=LIMITS.concurrency, latency=2 * DELAY[0])
    yield _line("time", f"{run.seconds:.1f} s; the limit alone makes it {least:.1f} s")
    yield _line(
        "requests", f"{counters.requests:,} for {count(days, 'day')}, {count(run.tally.retries, 'retry')}"
    )
    if counters.faults:
        yield _line("faults", named(counters.faults))
    most = run.server.max_in_window(60.0)
    yield _line("limit", pace(LIMITS))
    yield _line(
        "seen", f"at most {count(most, 'request')} in {RATE.seconds:g} s, {counters.max_concurrent} at a time"
    )
    yield _line("refused", f"{run.refused:,} (HTTP 429), as the server counts", good=not run.refused)
    wrong = f"{count(run.wrong_days, 'day')} differ from the server's figures"
    exact = f"all {days * 24:,} hours equal the server's figures"
    yield _line("exact", wrong if run.wrong_days else exact, good=not run.wrong_days)


def _line(label: str, text: str, *, good: bool | None = None) -> Text:
    style = {None: "", True: "green", False: "bold red"}[good]
    return Text.assemble((f"  {label:<10}", "bold"), (text, style))
