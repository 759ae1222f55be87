"""Runs a backfill as a process of its own, and reports it line by line; a test may kill it meanwhile.

It writes a JSON list a line, each at once and in one piece: ``["ready"]`` when it waits for the word to
begin, ``["day", nanoseconds, target, date]`` for every event `DayDone`,
``["range", nanoseconds, sent, target, first, days]`` for every answer for a range of days, where ``sent`` is
when it was asked for, and ``["report", nanoseconds, counts]`` at the end. SIGTERM lets it stop. With a lease,
it waits until it can take it, and writes ``["held", nanoseconds]``; if its run ends because it was lost, it
writes ``["lost", nanoseconds]`` and begins again.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from hourlyclicks import Client, LeaseLostError, Limits, Rate, RetryPolicy
from hourlyclicks.client.preload import load_all
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination import active_backend as active
from hourlyclicks.coordination import shared_backend as shared
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import Leases
from hourlyclicks.events import DayDone, RequestDone
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.model.targets import as_target
from hourlyclicks.store.opening import store_of
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.store.postgres import PostgresStore
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.store.sqlite import SqliteStore

load_all()  # by the process that is copied, so that no copy has to

_TAKE_AGAIN = 0.02
COUNTS = ("total", "done", "reused", "failed", "refused", "remaining", "requests", "stopped", "complete")


class Job(NamedTuple):
    """What it is to do.

    Args:
        url: where the API is.
        key: the key.
        store: where the days go.
        targets: whose days.
        start: the first day.
        end: the last day.
        requests: how many requests go into a window.
        window: its length in seconds.
        guard: the seconds that are added to it.
        concurrency: how many may be under way at a time.
        total: the seconds a request may take.
        margin: the seconds by which its slot is held longer than that when the process dies.
        account: under which name the store knows the account.
        endpoint: which endpoint is asked.
        lease: the seconds of the life of the account's lease; 0: it takes none.
        alone: the seconds after which the limits come back into the memory of its holder.
    """

    url: str
    key: str
    store: str
    targets: tuple[str, ...]
    start: str
    end: str
    requests: int
    window: float
    guard: float = 0.01
    concurrency: int = 2
    total: float = 1.0
    margin: float = 1.0
    account: str = "me"
    endpoint: EndpointChoice = "v2"
    lease: float = 0.0
    alone: float = 0.2

    def client(self, store: Store | str) -> Client:
        """Return a client that keeps the limits."""
        return Client(
            self.key,
            base_url=self.url,
            store=store,
            account=self.account,
            endpoint=self.endpoint,
            limits=Limits((Rate(self.requests, self.window),), self.concurrency, guard=self.guard),
            timeout=Timeout(total=self.total, connect=self.total, read=self.total),
            retry=RetryPolicy(attempts=8),
            on_event=_tell,
        )


def _say(*words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _tell(event: object) -> None:
    if isinstance(event, DayDone):
        _say("day", time.monotonic_ns(), str(event.target), str(event.day))
    elif isinstance(event, RequestDone) and event.days > 1:
        now = time.monotonic_ns()
        sent = now - round(event.seconds * SECOND)
        _say("range", now, sent, str(event.target), str(event.day), event.days)


def begin(job: Job, path: Path, word: Connection) -> None:
    """Do it, as the main function of a process.

    Args:
        job: what it is to do.
        path: the file that gets what it writes.
        word: brings the word to begin.
    """
    os.dup2(os.open(path, os.O_WRONLY), 1)
    asyncio.run(main(job, word))


async def main(job: Job, word: Connection) -> None:
    """Do it."""
    shared.MARGIN, active.ALONE_AFTER = job.margin, round(job.alone * SECOND)
    if not job.lease:
        await work(job, job.store, word)
        return
    store = cast("SqliteStore | PostgresStore", store_of(job.store))
    async with store, Leases(store, life=job.lease) as leases:
        _say("ready")
        word.recv()
        while True:
            lease = await take(leases, job.account)
            _say("held", time.monotonic_ns())
            try:
                await work(job, lease.store, word)
            except LeaseLostError:
                _say("lost", time.monotonic_ns())
            else:
                break


async def take(leases: Leases, account: str) -> AccountLease:
    """Take the lease of the account as soon as it is free."""
    while True:
        lease = await leases.take(partial(fingerprint_of, account), account)
        if isinstance(lease, AccountLease):
            return lease
        await asyncio.sleep(_TAKE_AGAIN)


async def work(job: Job, store: Store | str, word: Connection) -> None:
    """Run the backfill."""
    stop = asyncio.Event()
    async with job.client(store) as client:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        if not job.lease:
            _say("ready")
            word.recv()
        targets = [as_target(text) for text in job.targets]
        report = await client.backfill(job.start, job.end, targets, stop=stop)
    _say("report", time.monotonic_ns(), {name: getattr(report, name) for name in COUNTS})
