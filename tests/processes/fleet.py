"""Processes that run backfills against one simulator, and checks of the simulator and the store."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import multiprocessing
import os
import time
from collections import defaultdict
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from hourlyclicks import Client, DateRange, Limits
from hourlyclicks.model.targets import as_target
from hourlyclicks.store.opening import store_of
from tests.cli.serving import serving
from tests.forked import forked
from tests.processes.child import Job, begin
from tests.truths import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import Simulator
    from hourlyclicks.simulator.traffic import Cells

FIRST = dt.date(2001, 1, 1)
LATENCY = (0.005, 0.03)
PATIENCE = 120.0
_LOOK = 0.005


class Worker:
    """A process that runs a backfill.

    Args:
        job: what it is to do.
        path: the file into which it writes.
    """

    def __init__(self, job: Job, path: Path) -> None:
        path.touch()
        self._written = path.open("rb")
        self._begun = b""
        self._lines: defaultdict[str, list[list[Any]]] = defaultdict(list)
        self._days: set[tuple[Target, dt.date]] = set()
        heard, self._word = multiprocessing.Pipe(duplex=False)
        self._process = forked(begin, job, path, heard)
        heard.close()

    def lines(self, kind: str) -> list[list[Any]]:
        """Return what it has written so far."""
        self._read()
        return self._lines[kind].copy()

    @property
    def days(self) -> set[tuple[Target, dt.date]]:
        """The days it has reported as done."""
        self._read()
        return self._days.copy()

    @property
    def minutes(self) -> float:
        """The minutes from the first to the last thing that it has reported."""
        moments = [words[1] for kind in ("day", "range", "report") for words in self.lines(kind)]
        return (max(moments) - min(moments)) / 60e9 if moments else 0.0

    @property
    def report(self) -> dict[str, Any]:
        """What it reported at its end."""
        counts: dict[str, Any] = self.lines("report")[0][2]
        return counts

    @property
    def runs(self) -> bool:
        """Whether it has neither ended nor reported."""
        return self._process.is_alive() and not self.lines("report")

    def get_ready(self) -> None:
        """Wait until it is ready to begin."""
        until(lambda: bool(self.lines("ready")) or not self._process.is_alive())

    def go(self) -> None:
        """Let it begin when it is ready."""
        self.get_ready()
        self._word.send("go")

    def send(self, signal: int) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        if self._process.is_alive():
            os.kill(self._process.pid, signal)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self.wait()

    def wait(self) -> int:
        """Wait for its end, as long as it reports days, and return its exit code."""
        done = -1
        while self._process.exitcode is None:
            assert len(self.days) > done, "it stands still"
            done = len(self.days)
            self._process.join(PATIENCE)
        self._word.close()
        return self._process.exitcode

    def close(self) -> None:
        """Kill it, and read no more of what it has written."""
        self.kill()
        self._written.close()

    def _read(self) -> None:
        """Read the lines that it has written since the last time."""
        *whole, self._begun = (self._begun + self._written.read()).split(b"\n")
        for line in whole:
            words = json.loads(line)
            self._lines[words[0]].append(words)
            if words[0] == "day":
                self._days.add((as_target(words[2]), dt.date.fromisoformat(words[3])))


class Fleet:
    """All processes of a test, their server, and their store.

    Args:
        upstream: the server.
        folder: for what they write.
        store: where the days go.
        days: which days.
        job: more of what each is to do.
    """

    def __init__(self, upstream: Simulator, folder: Path, store: str, days: DateRange, **job: Any) -> None:  # noqa: ANN401 - whatever a job takes
        self.upstream = upstream
        self.days = days
        self.store = store
        self._folder = folder
        self._job = job
        self._account = str(job.get("account", Job._field_defaults["account"]))
        self._numbers = count()
        self.workers: list[Worker] = []

    def start(self, *targets: Target) -> Worker:
        """Start a process, which waits for `Worker.go`."""
        names = tuple(map(str, targets))
        upstream, days = self.upstream, self.days
        job = Job(upstream.url, upstream.key, self.store, names, str(days.start), str(days.end), **self._job)
        worker = Worker(job, self._folder / f"worker{next(self._numbers)}")
        self.workers.append(worker)
        return worker

    def run(self, *targets: Target) -> Worker:
        """Run a process to its end."""
        worker = self.start(*targets)
        worker.go()
        assert worker.wait() == 0
        return worker

    def end(self) -> None:
        """End all processes of the test."""
        for worker in self.workers:
            worker.close()

    def check_limits(self) -> None:
        """Assert that no request was over a limit."""
        counters = self.upstream.counters
        assert (counters.over_limit, counters.over_concurrency) == (0, 0)
        assert set(counters.statuses) <= {200}

    def check_exact(self, *targets: Target) -> None:
        """Assert that the series of some targets are in the store, final, and right."""
        assert asyncio.run(self._wrong(targets)) == []

    def check_kept(self, days: set[tuple[Target, dt.date]]) -> None:
        """Assert that some days are in the store, and that every stored day is complete and right."""
        kept = asyncio.run(self._kept({target for target, _ in days}))
        assert days <= kept.keys()
        assert [name for name, cells in kept.items() if cells != self._truth(*name)] == []

    def stored(self, *targets: Target) -> set[tuple[Target, dt.date]]:
        """Return which days of some targets are in the store."""
        return set(asyncio.run(self._kept(set(targets))))

    async def _wrong(self, targets: tuple[Target, ...]) -> list[object]:
        wrong: list[object] = []
        upstream = self.upstream
        async with Client(
            upstream.key,
            store=self.store,
            account=self._account,
            transport=Unused(),
            limits=Limits(concurrency=8),
        ) as client:
            for target in targets:
                series = await client.fetch(self.days.start, self.days.end, target)
                wrong += [*differences(series, upstream), *series.missing_days, *series.provisional_days]
        return wrong

    async def _kept(self, targets: set[Target]) -> dict[tuple[Target, dt.date], Cells]:
        store = store_of(self.store)
        await store.open()
        kept: dict[tuple[Target, dt.date], Cells] = {}
        for account in (await store.accounts()).values():
            for target in targets:
                for day in await store.read(account, target, self.days):
                    kept[target, day.date] = tuple(zip(day.clicks, day.unique_users, strict=True))
        await store.close()
        return kept

    def _truth(self, target: Target, day: dt.date) -> Cells:
        return self.upstream.cells(target, day, day)[day]


class Unused:
    """A transport that must not be used."""

    async def send(self, request: Request) -> Response:
        """Fail."""
        raise AssertionError(request.url)

    async def close(self) -> None:
        """Do nothing."""


@contextmanager
def fleet(  # noqa: PLR0913 - keyword options with defaults
    folder: Path,
    store: str,
    *,
    days: int,
    requests: int,
    window: float,
    concurrency: int = 2,
    plan: str = "premium",
    latency: tuple[float, float] = LATENCY,
    active_days: int = 100,
    **job: Any,  # noqa: ANN401 - whatever a job takes
) -> Iterator[Fleet]:
    """Run a server that counts in a sliding log, and end all processes at the end."""
    limits = {
        "limits": ((requests, window),),
        "concurrency": concurrency,
        "latency": latency,
        "plan": plan,
        "active_days": active_days,
    }
    range_ = DateRange(FIRST, FIRST + dt.timedelta(days=days - 1))
    with serving(**limits) as upstream:
        together = Fleet(
            upstream,
            folder,
            store,
            range_,
            requests=requests,
            window=window,
            concurrency=concurrency,
            **job,
        )
        try:
            yield together
        finally:
            together.end()


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    assert wait_for(happened, PATIENCE)


def wait_for(happened: Callable[[], bool], seconds: float) -> bool:
    """Wait for something for so long at most; return whether it has happened."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK)
    return True
