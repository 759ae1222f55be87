"""The targets of a backfill and a sync from async iterators, such as the list of the account's links."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Account, Client, Limits, Link, ServerError, UsageError
from hourlyclicks.model.report import StopReason
from hourlyclicks.simulator import Catalogue, ListedLink, Rule, Script, Simulator, Status
from tests.client.stories import END, LINK, START, free, simulate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hourlyclicks.model.target_days import TargetItem
    from hourlyclicks.simulator import VirtualClock

OTHER = Link("b", "https://vvd.bz")
FAST = Limits(concurrency=2)


async def source(*items: Any) -> AsyncIterator[TargetItem]:  # noqa: ANN401 - also wrong ones
    """Yield some items."""
    for item in items:
        await asyncio.sleep(1)
        yield item


async def endless() -> AsyncIterator[TargetItem]:
    """Yield a target, and then nothing for ever."""
    yield LINK
    await asyncio.Event().wait()


async def test_all_links_from_their_creation_on(path: Path) -> None:
    """No day before a link was created is requested, and every later one is."""
    catalogue = Catalogue.invented(100, dt.date(2025, 1, 1), dt.date(2025, 3, 10))
    async with (
        Simulator(limits=(), concurrency=0, catalogue=catalogue) as upstream,
        Client(upstream.key, base_url=upstream.url, limits=FAST, store=path) as client,
    ):
        report = await client.backfill("2025-03-01", "2025-03-05", client.links())
    expected = {
        (listed.link, day)
        for listed in catalogue.links
        for day in (dt.date(2025, 3, number) for number in range(1, 6))
        if day >= listed.created.date()
    }
    assert set(upstream.counters.asked) == expected
    assert (report.complete, report.total) == (True, len(expected))


def test_a_sync_of_new_links(path: Path) -> None:
    """A link that was created yesterday is requested from that day on, though ten days are to be fetched."""
    created = dt.datetime(2025, 5, 30, 5, tzinfo=dt.UTC)
    upstream = free(catalogue=Catalogue([ListedLink(LINK, created)]))

    async def story(client: Client, _: VirtualClock) -> None:
        assert (await client.sync(client.links(), new=10)).complete
        assert (await client.sync(source(OTHER), new=10)).total == 10

    simulate(upstream, story, store=path, timezone="UTC")
    asked = sorted(day for target, day in upstream.counters.asked if target == LINK)
    assert asked == [dt.date(2025, 5, 30), dt.date(2025, 5, 31)]


def test_any_async_iterator(path: Path) -> None:
    """Targets and pairs may be mixed, and each counts once; the estimate takes pairs as well."""
    upstream = free()

    async def story(client: Client, _: VirtualClock) -> None:
        items = (LINK, (OTHER, "2024-03-30"), LINK, Account())
        assert (await client.estimate(START, END, items)).requests == 31 + 2 + 31
        assert (await client.backfill(START, END, source(*items))).total == 31 + 2 + 31
        report = await client.backfill(START, END, source(*items), since={OTHER: "2024-03-31"})
        assert (report.total, report.requests) == (31 + 1 + 31, 0)

    simulate(upstream, story, store=path)


def test_what_is_wrong_is_told_before_a_day_is_requested(path: Path) -> None:
    """Wrong options before the targets are read, and a list that cannot be read; also where all are read."""
    upstream = free(faults=Script(Rule(Status(500), endpoint="links/v1")))

    async def unread() -> AsyncIterator[TargetItem]:
        pytest.fail("the targets are read")
        yield LINK

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError, match="a target is"):
            await client.backfill(START, END, source("account", LINK))
        with pytest.raises(UsageError, match="a target is"):
            await client.backfill(START, END, source(LINK, "account"), order="newest-day")
        for wrong in ({"order": "random"}, {"max_requests": -1}, {"deadline": -1}, {"since": [LINK]}):
            with pytest.raises(UsageError):
                await client.backfill(START, END, unread(), **wrong)
        with pytest.raises(UsageError):
            await client.backfill(END, START, unread())
        with pytest.raises(ServerError):
            await client.sync(client.links())

    simulate(upstream, story, store=path)
    assert upstream.counters.asked == {}

    async def without_store(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError, match="needs a store"):
            await client.backfill(START, END, unread())

    simulate(free(), without_store)


@pytest.mark.parametrize("order", ["oldest", "newest-day"])
@pytest.mark.parametrize("by", ["deadline", "moment", "event"])
def test_a_run_can_be_stopped_while_its_targets_are_read(path: Path, by: str, order: Any) -> None:  # noqa: ANN401 - one of its orders
    """It ends, and its report is not complete, since not all targets are known."""

    async def story(client: Client, clock: VirtualClock) -> None:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(30, event.set)
        stops: dict[str, dict[str, Any]] = {
            "deadline": {"deadline": 30},
            "moment": {"deadline": clock.wall() + dt.timedelta(seconds=30)},
            "event": {"stop": event},
        }
        began = clock.monotonic()
        report = await client.backfill(START, END, endless(), order=order, **stops[by])
        assert round((clock.monotonic() - began) / 1e9) == 30
        requests = 0 if order == "newest-day" else 31
        assert (report.listed, report.complete, report.requests) == (False, False, requests)
        assert report.done == requests
        assert report.stopped is (StopReason.STOPPED if by == "event" else StopReason.DEADLINE)

    simulate(free(), story, store=path)


def test_a_deadline_includes_the_time_for_the_targets(path: Path) -> None:
    """What reading them has taken is not left for the days."""

    async def story(client: Client, clock: VirtualClock) -> None:
        began = clock.monotonic()
        report = await client.backfill(START, END, source(LINK, OTHER), deadline=3)
        assert report.stopped is StopReason.DEADLINE
        assert not report.listed
        assert report.requests > 15
        assert (clock.monotonic() - began) / 1e9 == pytest.approx(3, abs=0.2)

    simulate(free(), story, store=path, limits=Limits(concurrency=1))


def test_a_cancelled_call_ends_the_iterator(path: Path) -> None:
    """Nothing of it is left running."""
    ended = []

    async def waiting() -> AsyncIterator[TargetItem]:
        try:
            yield LINK
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await client.backfill(START, END, waiting())
        assert ended == [True]

    simulate(free(), story, store=path)
