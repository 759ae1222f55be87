"""Wrong clocks and zones: after one more run with right ones the store is right."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs
import pytest

from hourlyclicks import Client, Limits, Rate, StopReason, UsageError
from hourlyclicks.clock import SECOND
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.zones import has_begun, today
from hourlyclicks.simulator import Simulator, VirtualClock, run_virtual
from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.ledger import SETTLED
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import LINK, free
from tests.truths import differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Timer

ZONES = (dt.UTC, ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York"))
OFFSETS = tuple(
    dt.timedelta(minutes=minutes)
    for minutes in (0, 10, -10, *(1440 * days for days in (2, -2, 3, -3, 900, -900)))
)
LIMITS = Limits(concurrency=2)


@attrs.define
class WrongClock:
    """A clock whose time of day is wrong, and can be corrected."""

    true: VirtualClock
    off: dt.timedelta = dt.timedelta(0)

    def monotonic(self) -> int:
        """See `Clock.monotonic`."""
        return self.true.monotonic()

    def wall(self) -> dt.datetime:
        """See `Clock.wall`."""
        return self.true.wall() + self.off

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await self.true.sleep(seconds)

    def call_later(self, nanoseconds: int, callback: Callable[[], object]) -> Timer:
        """See `Clock.call_later`."""
        return self.true.call_later(nanoseconds, callback)


@attrs.frozen
class World:
    """A server, a store, and the true time.

    Args:
        upstream: the server.
        zone: the account's zone.
        path: the store.
        clock: the true time.
        dice: draws what goes wrong.
    """

    upstream: Simulator
    zone: dt.tzinfo
    path: Path
    clock: VirtualClock
    dice: random.Random

    def client(self, clock: WrongClock, zone: dt.tzinfo | None, limits: Limits = LIMITS) -> Client:
        """Return the client of another process."""
        return Client(
            self.upstream.key,
            transport=self.upstream.transport(self.clock),
            limits=limits,
            clock=clock,
            random=random.Random(self.dice.random()),
            store=self.path,
            account="me",
            timezone=zone,
        )

    @property
    def days(self) -> DateRange:
        """The last eight days."""
        last = today(self.clock.wall(), self.zone)
        return DateRange(last - dt.timedelta(days=7), last)

    async def work(self, off: dt.timedelta, zone: dt.tzinfo | None) -> None:
        """Let a process with a wrong clock do something; the clock may be corrected meanwhile."""
        clock = WrongClock(self.clock, off)
        days = self.days
        last = days.end + dt.timedelta(days=self.dice.randrange(-1, 4))
        while not has_begun(last, clock.wall()):
            last -= dt.timedelta(days=1)
        first = min(days.start, last)
        refresh = self.dice.random() < 0.3
        if self.dice.random() < 0.3:
            self.clock.call_later(
                self.dice.randrange(1, 600_000_000), lambda: setattr(clock, "off", OFFSETS[0])
            )
        async with self.client(clock, zone) as client:
            if self.dice.random() < 0.5:
                await client.backfill(first, last, [LINK], refresh=refresh)
            else:
                await client.fetch(first, last, LINK, strict=False, refresh=refresh)

    async def check(self, zone: dt.tzinfo | None) -> int:
        """Run once more with a right clock, compare, and return how many requests that took."""
        before = self.upstream.counters.requests
        async with self.client(WrongClock(self.clock), zone) as client:
            report = await client.backfill(self.days.start, self.days.end, [LINK])
        assert (report.complete, report.refused) == (True, 0)
        store = SqliteStore(self.path)
        account = next(iter((await store.accounts()).values()))
        series = merge_days(self.days, await store.read(account, LINK, self.days), target=LINK)
        reader = Reader(self.clock.wall(), zone)
        entries = await store.entries(account, LINK, self.days)
        tally = await store.count_by_state(account, LINK, self.days, reader=reader)
        await store.close()
        assert (len(entries), differences(series, self.upstream)) == (len(self.days), [])
        states = {entry.date: reader.state(entry) for entry in entries}
        settled = {date for date, state in states.items() if state in SETTLED}
        assert not any(date >= today(self.clock.wall(), self.zone) for date in settled)
        assert sum(tally[state] for state in SETTLED) == len(settled)
        return self.upstream.counters.requests - before


async def campaign(world: World) -> None:
    """Let several processes work with wrong clocks and zones, then check."""
    dice = world.dice
    for _ in range(dice.randrange(1, 4)):
        jobs = [
            world.work(dice.choice(OFFSETS), dice.choice((None, *ZONES))) for _ in range(dice.randrange(1, 3))
        ]
        await asyncio.gather(*jobs)
        await world.clock.sleep(dice.randrange(40_000))  # less than any clock was ahead that went unnoticed
    await world.clock.sleep(7500)
    zone = dice.choice((None, world.zone))
    assert await world.check(zone) <= len(world.days)
    assert await world.check(zone) <= 2, "only what may still change is asked for again"


def run(seed: int, path: Path) -> None:
    """Play one campaign."""
    dice = random.Random(seed)
    zone = dice.choice(ZONES)
    upstream = free(seed=seed, timezone=zone, future=dice.choice(("error", "empty")))
    start = dt.datetime(2025, 6, 1, dice.randrange(24), dice.randrange(60), tzinfo=dt.UTC)
    run_virtual(lambda clock: campaign(World(upstream, zone, path, clock, dice)), start=start)


@pytest.mark.parametrize("seed", range(5))
def test_one_more_run_corrects_the_store(seed: int, tmp_path: Path) -> None:
    """After any wrong clocks and zones, the store then equals the server, and final days are over."""
    run(seed, tmp_path / "clicks.db")


@pytest.mark.parametrize(
    ("off", "by_the_clock"),
    [(dt.timedelta(days=-3), True), (dt.timedelta(days=-3), False), (dt.timedelta(days=3), False)],
)
def test_a_deadline_holds_when_the_clock_is_corrected(
    off: dt.timedelta, tmp_path: Path, *, by_the_clock: bool
) -> None:
    """A time of day follows the right clock, within a minute; a duration stays as long as it was."""
    span = dt.timedelta(minutes=20)

    async def story(clock: VirtualClock) -> None:
        world = World(free(), dt.UTC, tmp_path / "clicks.db", clock, random.Random(1))
        wrong, began = WrongClock(clock, off), clock.wall()
        clock.call_later(30 * SECOND, lambda: setattr(wrong, "off", dt.timedelta(0)))
        async with world.client(wrong, None, Limits(rates=(Rate(1, 60.0),))) as client:
            deadline = began + span if by_the_clock else span
            report = await client.backfill("2025-01-01", "2025-05-01", [LINK], deadline=deadline)
        assert report.stopped is StopReason.DEADLINE
        late = clock.wall() - began - span
        assert dt.timedelta(0) <= late <= dt.timedelta(minutes=by_the_clock)

    run_virtual(story)


def test_a_clock_that_is_behind_is_named(tmp_path: Path) -> None:
    """If a wrong clock makes yesterday a future day, the error shows the time of the clock."""

    async def story(clock: VirtualClock) -> None:
        world = World(free(), dt.UTC, tmp_path / "clicks.db", clock, random.Random(1))
        async with world.client(WrongClock(clock, dt.timedelta(days=-3)), dt.UTC) as client:
            with pytest.raises(
                UsageError, match=r"not begun .*: this machine's clock says 2025-05-29 12:00 UTC"
            ):
                await client.day("2025-05-31", LINK)

    run_virtual(story)
