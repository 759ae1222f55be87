"""The accounts of the tests of engines: jobs, keys behind references, and what must be stored in the end."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from hourlyclicks import DateRange, Limits, Link, Rate, RetryPolicy
from hourlyclicks.fleet import AccountJob, KeyRef
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

SETTING = "HOURLYCLICKS_ENGINES"
"""The environment variable with the `Setting` of a process, as JSON."""

CANARY = "canary-5e/0c+1d="
"""Every key begins with it, so it must be nowhere but in the memory of the workers and on the wire."""

FIRST = dt.date(2025, 1, 1)
STORE = KeyRef.env("HOURLYCLICKS_STORE")


class Setting(NamedTuple):
    """What the processes of a test are to do.

    Args:
        url: where the API is.
        accounts: how many accounts there are; the first has a key that the API does not know.
        days: how many days each of them has.
        requests: how many requests go into a window.
        window: its length in seconds.
    """

    url: str
    accounts: int
    days: int
    requests: int = 4
    window: float = 1.0

    @classmethod
    def here(cls) -> Setting:
        """Return that of this process."""
        return cls(*json.loads(os.environ[SETTING]))

    @property
    def names(self) -> list[str]:
        """The names of the accounts."""
        return [f"account-{number:04}" for number in range(self.accounts)]

    @property
    def known(self) -> list[str]:
        """Those whose key the API knows."""
        return self.names[1:]

    @property
    def range(self) -> DateRange:
        """The days of each account."""
        return DateRange(FIRST, FIRST + dt.timedelta(days=self.days - 1))

    @property
    def limits(self) -> Limits:
        """The limits of each account."""
        return Limits((Rate(self.requests, self.window),), concurrency=1, guard=0.01)

    @property
    def jobs(self) -> list[AccountJob]:
        """The jobs of all accounts."""
        days = self.range
        return [
            AccountJob(
                name,
                key=KeyRef.call("tests.fleet.engines.accounts:key_of", name),
                targets=[link_of(name)],
                start=days.start,
                end=days.end,
            )
            for name in self.names
        ]

    @property
    def options(self) -> dict[str, Any]:
        """The options of the run."""
        return {
            "base_url": self.url,
            "limits": self.limits,
            "retry": RetryPolicy(attempts=8),
            "timeout": Timeout(total=2.0, connect=1.0, read=1.0),
        }

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know it."""
        return {SETTING: json.dumps(self)}


def key_of(name: str) -> str:
    """Return the key of an account, as a vault would."""
    return f"{CANARY}{name}"


def link_of(name: str) -> Target:
    """Return the only target of an account."""
    return Link(name, "https://vvd.bz")
