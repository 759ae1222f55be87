"""The settings of the demonstration of a fleet: its accounts, what each fetches, and how fast."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from hourlyclicks.cli.demo.settings import TODAY
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Link
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAN = "personal"
SCALE = 1 / 30
DELAY = (0.005, 0.060)
RATE = Rate(9, 60.0 * SCALE)
LIMITS = Limits((RATE,), concurrency=1, guard=SCALE)
"""Those of the Personal plan, on the time scale of the server."""
RETRY = RetryPolicy(attempts=8, base=0.1, cap=2.0, budget=math.inf)

WORKERS = 2
AT_ONCE = 100
"""How many accounts a worker process has active."""
TIMEOUT = Timeout(total=3.0, connect=2.0, read=2.0)
"""Shorter than the default: what a killed process had sent counts until it can no longer arrive."""


def days(number: int) -> DateRange:
    """Return the days that each account fetches."""
    return DateRange(TODAY - dt.timedelta(days=number), TODAY - dt.timedelta(days=1))


def variable(number: int) -> str:
    """Return the environment variable with the key of an account."""
    return f"HOURLYCLICKS_DEMO_KEY_{number}"


def key(number: int) -> str:
    """Return the key of an account."""
    return f"demo-key-{number:04d}-6b1d0c"


def link(number: int) -> Link:
    """Return the link of an account."""
    return Link(f"demo{number:04d}", "https://vvd.bz")


def jobs(accounts: int, period: DateRange) -> Iterator[AccountJob]:
    """Yield all accounts."""
    for number in range(accounts):
        yield AccountJob(
            f"account {number + 1}",
            key=KeyRef.env(variable(number)),
            limits=LIMITS,
            targets=[link(number)],
            start=period.start,
            end=period.end,
            timezone="UTC",
        )
