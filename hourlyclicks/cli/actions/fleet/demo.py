"""What ``hourlyclicks fleet demo`` does."""

from __future__ import annotations

import asyncio
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
from hourlyclicks.cli.demo.fleet_processes import started
from hourlyclicks.cli.demo.fleet_settings import (
    DELAY,
    LIMITS,
    PLAN,
    RATE,
    SCALE,
    WORKERS,
    days,
    key,
    link,
)
from hourlyclicks.cli.demo.result_lines import line
from hourlyclicks.cli.exits import INCOMPLETE, UNEXPECTED, CommandError
from hourlyclicks.cli.progress.drawing import terminal
from hourlyclicks.cli.progress.fleet_plain import open_fleet_view
from hourlyclicks.cli.progress.fleet_stats import FleetRunStats
from hourlyclicks.cli.progress.views import shown
from hourlyclicks.events import FleetProgress
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.targets import Target
from hourlyclicks.pacing.eta import theoretical_minimum
from hourlyclicks.render.phrases import limits_in_words
from hourlyclicks.simulator import Simulator
from hourlyclicks.simulator.traffic import Cells
from hourlyclicks.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.cli.demo.fleet_processes import WorkerProcesses
    from hourlyclicks.cli.progress.fleet_plain import FleetView

_LOOK = 0.1
_KILL_AT = 0.4
"""The share of the days after which a worker is killed."""


@attrs.frozen
class Stored:
    """What is in the store at some moment.

    Args:
        cells: the hours of each final day.
        asked: how often each day had been requested then.
    """

    cells: dict[tuple[Target, dt.date], Cells]
    asked: Counter[tuple[Target, dt.date]]

    def complete(self, number: int) -> int:
        """Return how many accounts have all their days."""
        return sum(each == number for each in Counter(target for target, _ in self.cells).values())


@attrs.frozen
class Run:
    """A demonstration that is over.

    Args:
        accounts: how many accounts there were.
        period: the days of each.
        server: the server, for what it counted.
        seconds: how long it took.
        stored: what is in the store.
        killed: what was in the store when a worker was killed; ``None``: it had ended before.
        resumed: the seconds from then until the last account was complete.
    """

    accounts: int
    period: DateRange
    server: Simulator
    seconds: float
    stored: Stored
    killed: Stored | None
    resumed: float

    @property
    def total(self) -> int:
        """The days of all accounts."""
        return self.accounts * len(self.period)

    @property
    def missing(self) -> int:
        """The days that are not in the store."""
        return self.total - len(self.stored.cells)

    @property
    def wrong(self) -> int:
        """The days whose figures are not the server's."""
        truth = known_to(self.server, self.accounts, self.period)
        return sum(cells != truth[day] for day, cells in self.stored.cells.items())

    @property
    def rejected(self) -> int:
        """The requests that were over the limit of their key."""
        return self.server.counters.over_limit + self.server.counters.over_concurrency

    @property
    def asked_again(self) -> int:
        """The days that were requested again although the store had them when a worker was killed."""
        if self.killed is None:
            return 0
        return sum(self.stored.asked[day] > self.killed.asked[day] for day in self.killed.cells)

    def failure(self) -> CommandError | None:
        """Return what is not as it must be."""
        if self.missing:
            return CommandError(f"{count(self.missing, 'day')} missing", INCOMPLETE)
        wrong = {
            "wrong": self.wrong,
            "over a limit": self.rejected,
            "requested twice": self.asked_again,
        }
        if any(wrong.values()):
            said = ", ".join(f"{number:,} {what}" for what, number in wrong.items())
            return CommandError(f"unexpected result: {said}", UNEXPECTED)
        return None


def run(*, accounts: int, number: int, seed: int) -> None:
    """See the help of the command."""
    server = Simulator(
        seed=seed,
        keys={key(each): PLAN for each in range(accounts)},
        time_scale=SCALE,
        latency=DELAY,
        timezone="UTC",
    )
    done = loop.run(_demonstrate(server, accounts, days(number)))
    console = terminal(stderr=False)
    for each in (Text(), *figures(done)):
        console.print(each, soft_wrap=True)
    failure = done.failure()
    if failure is not None:
        raise failure


async def _demonstrate(server: Simulator, accounts: int, period: DateRange) -> Run:
    """Let the workers fetch, kill one, and compare what the store has then with what the server knows."""
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        store = Path(folder) / "clicks.db"
        async with server:
            say(f"A simulated server with {count(accounts, 'key')} listens on {server.url}.")
            say(f"It allows each key {limits_in_words(LIMITS)}.")
            began = time.monotonic()
            async with started(server.url, store, accounts, len(period)) as workers:
                monitor = Monitor(server, workers, accounts, period)
                killed = await monitor.until_killed(store)
                resumed = time.monotonic()
                await monitor.until_ended()
            ended = time.monotonic()
            now = await stored(store, server, period)
    return Run(accounts, period, server, ended - began, now, killed, ended - resumed)


class Monitor:
    """Shows how far the workers are, which is seen from the requests that the server has received.

    Args:
        server: the server.
        workers: the workers.
        accounts: how many accounts there are.
        period: the days of each.
    """

    def __init__(self, server: Simulator, workers: WorkerProcesses, accounts: int, period: DateRange) -> None:
        self._server = server
        self._workers = workers
        self._accounts = accounts
        self._period, self._days = period, len(period)
        self._began = time.monotonic()
        self._title = f"{count(accounts, 'account')}, {period}"

    async def until_killed(self, store: Path) -> Stored | None:
        """Watch the workers until a part of the days is done, kill one, and see what is in the store."""
        await self._watch(self._title, _KILL_AT)
        if not await self._workers.kill_one():
            say("Not killed: it has ended before.")
            return None
        found = await stored(store, self._server, self._period)
        say(f"Process {self._workers.killed} was killed with {count(len(found.cells), 'day')} in the store.")
        say("The other one takes over its accounts when none of its requests can arrive any more.")
        return found

    async def until_ended(self) -> None:
        """Watch the workers that are left until they have ended."""
        await self._watch(f"{self._title}, one process left", 1.0)
        await self._workers.wait()

    async def _watch(self, title: str, share: float) -> None:
        """Show the progress until a share of the days has been requested, or no worker is left."""
        view = open_fleet_view(FleetRunStats(title, self._accounts))
        with shown(view):
            while self._workers.running:
                if self._tell(view) >= share:
                    break
                await asyncio.sleep(_LOOK)

    def _tell(self, view: FleetView) -> float:
        """Show the progress, and return the share of the days that have been requested."""
        days = Counter(target for target, _ in self._server.counters.asked)
        complete = sum(each == self._days for each in days.values())
        done, total = days.total(), self._accounts * self._days
        view(
            FleetProgress(
                accounts=self._accounts,
                running=len(days) - complete,
                held=0,
                complete=complete,
                failed=0,
                days=len(days) * self._days,
                done=done,
                failed_days=0,
                listed=True,
                seconds=time.monotonic() - self._began,
            )
        )
        return done / total


def known_to(server: Simulator, accounts: int, period: DateRange) -> dict[tuple[Target, dt.date], Cells]:
    """Return what a server knows of the days of all accounts."""
    return {
        (target, day): hours
        for target in map(link, range(accounts))
        for day, hours in server.cells(target, period.start, period.end).items()
    }


async def stored(path: Path, server: Simulator, period: DateRange) -> Stored:
    """Return what a store has, whichever process fetched it."""
    cells = {}
    async with open_store(path, read_only=False) as store:
        for account in await store.accounts():
            for target in await account.targets():
                async for day in account.days(period.start, period.end, target):
                    if day.final:
                        cells[target, day.date] = tuple(zip(day.clicks, day.unique_users, strict=True))
    return Stored(cells, server.counters.asked.copy())


def figures(run: Run) -> Iterator[Text]:
    """Yield the result of a demonstration, a line for each fact."""
    counters, total = run.server.counters, run.total
    yield line("accounts", f"{run.accounts:,} with a key each, {count(len(run.period), 'day')} of one link")
    least = theoretical_minimum(len(run.period), RATE, concurrency=LIMITS.concurrency, latency=2 * DELAY[0])
    speed = f"{total / run.seconds:,.0f} days a second"
    yield line("time", f"{run.seconds:.1f} s, {speed}; the limit alone makes it {least:.1f} s an account")
    lost = f", {counters.requests - total:,} of them lost with the process" if run.killed else ""
    yield line("requests", f"{counters.requests:,} for {count(total, 'day')}{lost}")
    if run.killed is not None:
        known, complete = len(run.killed.cells), run.killed.complete(len(run.period))
        which = f"{count(complete, 'account')} complete and {count(known, 'day')} stored"
        yield line("killed", f"one of {WORKERS} processes, with {which}")
        again = f"{count(run.asked_again, 'day') if run.asked_again else 'nothing'} requested again"
        yield line("resumed", f"by the other one in {run.resumed:.1f} s; {again}", good=not run.asked_again)
    most = max(run.server.max_in_window(60.0, key(number)) for number in range(run.accounts))
    yield line("limit", f"{limits_in_words(LIMITS)}, for each key")
    yield line("seen", f"at most {count(most, 'request')} of a key in {RATE.seconds:g} s")
    yield line("refused", f"{run.rejected:,} (HTTP 429), as the server counts", good=not run.rejected)
    wrong = run.wrong + run.missing
    exact = f"all {total * 24:,} hours equal the server's figures"
    yield line("exact", f"{count(wrong, 'day')} missing or wrong" if wrong else exact, good=not wrong)
