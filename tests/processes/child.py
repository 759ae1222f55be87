"""Runs a backfill as a process of its own, and reports it line by line; a test may kill it meanwhile.

Called with a `Job` as JSON. It prints a JSON list a line, each at once and in one piece: ``["ready"]`` when
it waits for a line of its input to begin, ``["day", nanoseconds, target, date]`` for every event `DayDone`,
and ``["report", nanoseconds, counts]`` at the end. SIGTERM lets it stop.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks import Client, Limits, Rate, RetryPolicy
from hourlyclicks.coordination import backend as shared
from hourlyclicks.events import DayDone
from hourlyclicks.model.targets import as_target
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from hourlyclicks.model.questions import EndpointChoice

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

    @property
    def client(self) -> Client:
        """A client that keeps the limits."""
        return Client(
            self.key,
            base_url=self.url,
            store=self.store,
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


async def main(job: Job) -> None:
    """Do it."""
    shared.MARGIN = job.margin
    stop = asyncio.Event()
    async with job.client as client:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        _say("ready")
        sys.stdin.readline()
        targets = [as_target(text) for text in job.targets]
        report = await client.backfill(job.start, job.end, targets, stop=stop)
    _say("report", time.monotonic_ns(), {name: getattr(report, name) for name in COUNTS})


if __name__ == "__main__":
    asyncio.run(main(Job(*json.loads(sys.argv[1]))))
