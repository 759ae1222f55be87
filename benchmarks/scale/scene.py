"""What a fleet has to do: accounts with a key, a link and some days each; and whether it is done."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks import DateRange, Limits, Link, Rate
from hourlyclicks.simulator.traffic import Traffic
from hourlyclicks.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.store.protocol import Store

FIRST = dt.date(2024, 3, 1)
REQUESTS = 9
"""A minute, as the Personal plan has it, one at a time."""
MINUTE = 60.0
LATENCY = (0.005, 0.03)


@attrs.frozen
class Member:
    """An account.

    Args:
        name: its name in the store.
        key: its API key.
        link: its only target.
    """

    name: str
    key: str
    link: Link


@attrs.frozen
class Scene:
    """All accounts, and the days of each.

    Args:
        accounts: how many accounts there are.
        days: how many days each is to fetch.
        minute: the seconds that a minute of the limits takes.
        requests: how many requests a minute each may send.
    """

    accounts: int
    days: int
    minute: float = MINUTE
    requests: int = REQUESTS

    @property
    def total(self) -> int:
        """The days of all accounts."""
        return self.accounts * self.days

    @property
    def range(self) -> DateRange:
        """The days of each account."""
        return DateRange(FIRST, FIRST + dt.timedelta(days=self.days - 1))

    @property
    def limits(self) -> Limits:
        """The limits of each key."""
        return Limits((Rate(self.requests, self.minute),), concurrency=1, guard=self.minute / MINUTE)

    def members(self) -> Iterator[Member]:
        """Yield the accounts."""
        return (
            Member(f"account-{number}", key_of(number), Link(f"link{number}", "https://vvd.bz"))
            for number in range(self.accounts)
        )


def key_of(number: int) -> str:
    """Return the API key of an account."""
    return f"key-of-account-{number:06d}"


async def kept(scene: Scene, where: Store | str) -> int:
    """Return how many final days a store has, each of which must be right.

    Raises:
        AssertionError: the figures of a day are not the server's.
    """
    traffic, number = Traffic(), 0
    async with open_store(where, read_only=False) as store:
        for account in await store.accounts():
            for link in await account.targets():
                series = await account.series(scene.range.start, scene.range.end, link)
                for day in series.days():
                    truth = traffic.day(link, day.date)
                    assert tuple(zip(day.clicks, day.unique_users, strict=True)) == truth, (link, day.date)
                    number += day.final
    return number
