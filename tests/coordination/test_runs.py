"""Running backfills, as other processes see and stop them."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, DateRange, Limits, Link, StoppedError, StopReason, UsageError
from hourlyclicks.coordination import running_backfills, runs, stop_backfills
from hourlyclicks.events import Progress, SlotsHeld
from hourlyclicks.pacing.plans import Plan, Rate
from hourlyclicks.simulator import Rule, Script, Simulator, Status, retry_after
from hourlyclicks.store import open_store
from hourlyclicks.store.sqlite import SqliteStore
from tests.coordination.clients import MONTH, START, run_clients, served_by

if TYPE_CHECKING:
    from hourlyclicks import DayClicks
    from hourlyclicks.coordination import RunningBackfill
    from hourlyclicks.simulator import Fault
    from hourlyclicks.store.ledger import LedgerEntry
    from tests.coordination.clients import Fleet

LINK = Link("x", "https://vvd.bz")
LINK = Link("x", "https://vvd.bz")
SLOW = Limits(rates=(Rate(10),))


def file_of(fleet: Fleet) -> Path:
    """Return the file that a command opens besides the clients."""
    assert isinstance(fleet.store, Path)
    return fleet.store


async def look(fleet: Fleet) -> tuple[RunningBackfill, ...]:
    """Return what a command that only reads sees."""
    store = SqliteStore(file_of(fleet), clock=fleet.clock, read_only=True)
    async with open_store(store) as reader:
        account = await reader.account()
        found = await running_backfills(account, now=fleet.clock.wall())
    await store.close()
    return found


async def ask_to_stop(fleet: Fleet, name: str | None = None) -> list[str | None]:
    """Ask backfills to stop; return the names of those that were asked."""
    store = SqliteStore(file_of(fleet), clock=fleet.clock)
    async with open_store(store) as reader:
        asked = await stop_backfills(await reader.account(), name=name, now=fleet.clock.wall())
    await store.close()
    return [run.name for run in asked]


def seconds_until(fleet: Fleet, run: RunningBackfill) -> float:
    """Return when a backfill says that it will be done, in seconds since the beginning."""
    return fleet.now + (run.ends_at - fleet.clock.wall()).total_seconds()


def test_running_backfills_are_seen(path: Path) -> None:
    """Each with its process, its name, the rest of its work and the right ETA, until it ends."""

    async def scenario(fleet: Fleet) -> None:
        named, other = fleet.join(), fleet.join()
        running = asyncio.gather(fleet.backfill(named, 24, name="nightly"), fleet.backfill(other, 24))
        await fleet.clock.sleep(100)
        found = await look(fleet)
        assert {run.name for run in found} == {"nightly", None}
        for run in found:
            assert (run.host, run.pid) == (socket.gethostname(), os.getpid())
            assert (fleet.clock.wall() - run.began_at).total_seconds() == pytest.approx(100, abs=1)
            assert 8 < run.requests < 24
            assert (run.paused_until, run.paused_because, run.stopping) == (None, None, False)
        etas = [seconds_until(fleet, run) for run in found]
        await running
        assert etas == pytest.approx([named.ended, other.ended], abs=65)
        assert await look(fleet) == ()

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


def test_requests_for_ranges_are_counted_as_requests(path: Path) -> None:
    """Four days of each of twelve targets are twelve requests, and not 48."""

    async def scenario(fleet: Fleet) -> None:
        member = fleet.join(Limits(rates=(Rate(1),)), endpoint="v3")
        targets = [Link(f"t{number}", "https://vvd.bz") for number in range(12)]
        running = asyncio.create_task(member.client.backfill(START, "2020-01-04", targets))
        await fleet.clock.sleep(30)
        (found,) = await look(fleet)
        expected = seconds_until(fleet, found)
        report = await running
        assert report.done == 48
        assert 10 <= found.requests <= 12
        assert expected == pytest.approx(fleet.now, abs=130)
        await member.client.close()

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


@pytest.mark.parametrize("limits", [{"deadline": 125.0}, {"max_requests": 25}])
def test_a_backfill_that_has_to_stop_says_when(path: Path, limits: dict[str, Any]) -> None:
    """Its end is that of its deadline or of its last request, not that of all its days."""

    async def scenario(fleet: Fleet) -> None:
        running = asyncio.create_task(fleet.backfill(fleet.join(), 500, **limits))
        await fleet.clock.sleep(100)
        (found,) = await look(fleet)
        assert seconds_until(fleet, found) == pytest.approx(125, abs=10)
        await running

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


def test_to_look_changes_nothing(path: Path) -> None:
    """The file and its log stay as they are."""

    async def scenario(fleet: Fleet) -> None:
        running = asyncio.create_task(fleet.backfill(fleet.join(), 12))
        await fleet.clock.sleep(30)  # it waits for a window
        files = [path, path.with_name(f"{path.name}-wal")]
        before = [file.read_bytes() for file in files]
        assert len(await look(fleet)) == 1
        assert [file.read_bytes() for file in files] == before
        await running

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


def test_only_backfills_of_a_name_are_stopped(path: Path) -> None:
    """The other one completes; the stopped one keeps what it has fetched, and asks within ten seconds."""

    async def scenario(fleet: Fleet) -> None:
        stopped, other = fleet.join(), fleet.join()
        running = asyncio.gather(
            fleet.backfill(stopped, 24, name="nightly"), fleet.backfill(other, 16, name="hourly")
        )
        await fleet.clock.sleep(100)
        assert await ask_to_stop(fleet, "daily") == []
        assert await ask_to_stop(fleet, "nightly") == ["nightly"]
        await fleet.clock.sleep(11)
        assert [run.name for run in await look(fleet)] == ["hourly"]
        await running
        assert stopped.ended <= 111
        assert [member.report and member.report.stopped for member in (stopped, other)] == [
            StopReason.STOPPED,
            StopReason.COMPLETE,
        ]
        assert stopped.report is not None
        assert stopped.report.done == stopped.report.requests > 0

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


@pytest.mark.parametrize(
    ("fault", "number", "because"),
    [
        (retry_after("600"), {5}, "the server asks to wait"),
        (Status(500), set(range(5, 1000)), "too many requests fail"),
    ],
    ids=["429", "failures"],
)
def test_a_pause_is_seen_and_can_be_stopped(path: Path, fault: Fault, number: set[int], because: str) -> None:
    """During a pause, too, a backfill is shown with its reason, and stops within ten seconds."""
    upstream = Simulator(
        limits=(),
        concurrency=0,
        latency=(0.1, 0.1),
        faults=Script(Rule(fault, number=number)),
    )

    async def scenario(fleet: Fleet) -> None:
        member = fleet.join()
        running = asyncio.create_task(fleet.backfill(member, 200))
        await fleet.clock.sleep(11)
        [run] = await look(fleet)
        while run.paused_until is None or (run.paused_until - fleet.clock.wall()).total_seconds() < 12:
            await fleet.clock.sleep(11)
            [run] = await look(fleet)
        assert run.paused_because == because
        assert (run.ends_at - run.paused_until).total_seconds() > 10
        assert await ask_to_stop(fleet) == [None]
        asked = fleet.now
        await running
        assert member.report is not None
        assert member.report.stopped is StopReason.STOPPED
        assert member.ended <= asked + 10

    run_clients(path, upstream, Limits(concurrency=2), scenario)


def test_the_first_eta_knows_the_window(path: Path) -> None:
    """What an earlier process has sent counts before the first request of the next one."""

    async def scenario(fleet: Fleet) -> None:
        await fleet.backfill(fleet.join(), 10)
        later = fleet.join()
        began = fleet.now
        await fleet.backfill(later, 5)
        first = next(event for event in later.events if isinstance(event, Progress))
        assert first.eta == pytest.approx(later.ended - began, abs=5)
        assert first.eta > 30
        next_one = fleet.join().client
        assert next_one.forecast(1).seconds < 1  # it knows of nothing yet
        running = asyncio.create_task(next_one.backfill(START, MONTH[1], [LINK], max_requests=2))
        await fleet.clock.sleep(1)
        assert next_one.forecast(8).seconds > 30
        assert next_one.forecast(0).seconds == 0
        await running

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


def test_a_wait_for_requests_of_another_process_is_seen(path: Path) -> None:
    """Its reason and its end are shown and reported, once, as it may have been killed on another machine."""
    upstream = Simulator(limits=(), concurrency=0, latency=(10, 10))

    async def scenario(fleet: Fleet) -> None:
        slow, waits = fleet.join(), fleet.join()
        running = [asyncio.create_task(fleet.backfill(slow, 1))]
        await fleet.clock.sleep(1)
        running.append(asyncio.create_task(fleet.backfill(waits, 1)))
        await fleet.clock.sleep(9)
        seen = next(run for run in await look(fleet) if run.paused_because)
        assert seen.paused_because == "a request of another process may still be under way"
        assert seen.paused_until is not None
        assert (seen.paused_until - fleet.clock.wall()).total_seconds() == pytest.approx(30, abs=1)
        await asyncio.gather(*running)
        (held,) = (event for event in waits.events if isinstance(event, SlotsHeld))
        assert (held.requests, held.killed) == (1, False)
        assert held.seconds == pytest.approx(38, abs=1)
        assert not slow.count(SlotsHeld)

    run_clients(path, upstream, Limits(concurrency=1), scenario)


def test_a_run_is_gone_when_its_process_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is shown as killed only if its process is known, and has ended."""
    there = [True]
    monkeypatch.setattr(runs, "is_gone", lambda process, here: process == here and not there[0])

    async def scenario(fleet: Fleet) -> None:
        running = asyncio.create_task(fleet.backfill(fleet.join(), 12))
        await fleet.clock.sleep(5)
        assert [run.gone for run in await look(fleet)] == [False]
        there[0] = False
        assert [run.gone for run in await look(fleet)] == [True]
        await running

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_fetch_is_seen_and_can_be_stopped(path: Path, *, streamed: bool) -> None:
    """Once it takes longer; what was sent is stored, and what was fetched is not lost."""
    upstream, end = served_by(Plan.BUSINESS), DateRange.of(START, "2025-01-01")[99]
    taken: list[DayClicks] = []

    async def fetch(client: Client) -> None:
        if not streamed:
            await client.fetch(START, end, LINK)
        async with client.stream(START, end, LINK) as stream:
            async for day in stream:
                taken.append(day)  # noqa: PERF401 - those before an error count

    async def scenario(fleet: Fleet) -> None:
        client = fleet.join().client
        running = asyncio.create_task(fetch(client))
        await fleet.clock.sleep(1)
        assert await look(fleet) == ()
        await fleet.clock.sleep(99)
        (found,) = await look(fleet)
        assert (found.name, 75 <= found.requests <= 90, found.paused_because) == (None, True, None)
        assert seconds_until(fleet, found) == pytest.approx(600, abs=65)
        assert await ask_to_stop(fleet) == [None]
        with pytest.raises(StoppedError) as stopped:
            await running
        assert fleet.now <= 111
        await client.close()
        assert await look(fleet) == ()
        store = SqliteStore(path, clock=fleet.clock, read_only=True)
        async with open_store(store) as reader:
            stored = await (await reader.account()).series(START, str(end), LINK)
        await store.close()
        assert len(list(stored.days())) == upstream.counters.requests >= 10
        if streamed:
            assert taken == list(stored.days())
        else:
            assert stopped.value.series == stored

    run_clients(path, upstream, SLOW, scenario)


@pytest.mark.parametrize("sums", [False, True])
def test_what_is_in_flight_is_not_lost_by_a_stop(path: Path, *, sums: bool) -> None:
    """A request that was sent is spent, so its answer is stored, and carried by the error."""
    upstream = Simulator(plan="enterprise", limits=(), latency=(12.0, 12.0))
    days = "2020-01-01", "2020-12-31"

    async def scenario(fleet: Fleet) -> None:
        client = fleet.join().client
        running = asyncio.create_task(client.daily(*days, LINK) if sums else client.fetch(*days, LINK))
        await fleet.clock.sleep(85)
        assert await ask_to_stop(fleet) == [None]
        with pytest.raises(StoppedError) as stopped:
            await running
        await client.close()
        store = SqliteStore(path, clock=fleet.clock, read_only=True)
        async with open_store(store) as reader:
            account = await reader.account()
            stored = await (account.daily if sums else account.series)(*days, LINK)
        await store.close()
        got, requests = len(stored.range) - len(stored.missing_days), upstream.counters.requests
        months = (dt.date(2020, 1 + requests, 1) - dt.date(2020, 1, 1)).days
        assert got == (months if sums else requests)
        assert requests >= 4
        assert stopped.value.series == stored

    run_clients(path, upstream, Limits(concurrency=1), scenario)


def test_a_long_wait_writes_hardly_anything(path: Path) -> None:
    """A backfill that waits for an hour stays visible, with a transaction every three minutes."""

    async def scenario(fleet: Fleet) -> None:
        running = asyncio.create_task(fleet.backfill(fleet.join(), 3))
        await fleet.clock.sleep(10)
        written: set[str] = set()
        for _ in range(30):
            await fleet.clock.sleep(100)
            written.update(str(run.reported_at) for run in await look(fleet))
        assert 10 <= len(written) <= 3000 / 180
        await ask_to_stop(fleet)
        await running

    upstream = Simulator(limits=(), concurrency=0)
    run_clients(path, upstream, Limits(rates=(Rate(1, 3600.0),)), scenario)


def test_a_process_of_an_older_version_may_drop_the_runs(path: Path) -> None:
    """It reads the state without them, and writes it so; the next heartbeat brings them back."""

    async def scenario(fleet: Fleet) -> None:
        running = asyncio.create_task(fleet.backfill(fleet.join(), 30, name="nightly"))
        await fleet.clock.sleep(30)
        store = SqliteStore(path, clock=fleet.clock)
        number = next(iter((await store.accounts()).values()))

        def rewrite(text: str | None, _now: int, _entry: LedgerEntry | None) -> tuple[str, None]:
            parts = json.loads(text or "")
            newer = {"runs", "processes", "orphans", "slowest"}
            assert {"runs", "processes"} <= parts.keys()
            return json.dumps({name: part for name, part in parts.items() if name not in newer}), None

        await store.pace(number, rewrite)
        assert await look(fleet) == ()
        await fleet.clock.sleep(21)
        assert [run.name for run in await look(fleet)] == ["nightly"]
        await store.close()
        await running

    run_clients(path, served_by(Plan.BUSINESS), SLOW, scenario)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "x" * 65, 7])
async def test_a_name_is_short_and_printable(path: Path, name: str) -> None:
    """Any other one is an error before the first request."""
    async with Client("a-key-of-mine", store=path) as client:
        with pytest.raises(UsageError, match="name"):
            await client.backfill(START, START, [Link("x", "https://vvd.bz")], name=name)
