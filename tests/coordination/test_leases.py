"""Leases of accounts on virtual time: one holder, the limits in its memory, and what comes after it."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, LeaseLostError, Limits, Link, UsageError
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination import active_backend, renewal
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import Leases, end_leases
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Rule, Script, Simulator, Status, run_virtual
from hourlyclicks.store.leases import StoredLease
from hourlyclicks.store.memory import MemoryStore
from hourlyclicks.wire.key import ApiKey
from tests.coordination.leasing import (
    LIMITS,
    LINK,
    OTHER,
    START,
    backfill,
    break_renewal,
    mend_renewal,
    run_world,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hourlyclicks.simulator import VirtualClock
    from tests.coordination.leasing import Process, World


async def state_of(process: Process) -> ArbiterState:
    """Return the shared state as it is stored."""
    (account,) = (await process.store.accounts()).values()

    def look(text: str | None, *_: object) -> tuple[None, str | None]:
        return None, text

    return ArbiterState.read((await process.store.pace(account, look))[0])


def test_a_holder_has_the_account_alone(path: Path) -> None:
    """A second process learns who has the account, and gets it when that was given back."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        lease = await first.hold()
        other = await second.take("mine")
        assert isinstance(other, StoredLease)
        assert (other.label, other.holder.name) == ("acme", first.leases.holder.name)
        assert 29 <= other.left <= 30
        await first.leases.release(lease)
        assert isinstance(await second.take(), AccountLease)

    run_world(path, scenario)


def test_a_backfill_within_a_lease_is_as_fast_as_alone(path: Path) -> None:
    """The limits in memory cost no time."""

    async def scenario(world: World) -> None:
        report = await backfill(await (await world.process()).holding(), 45)
        assert report.complete
        assert world.now < 4 * 60 + 5

    run_world(path, scenario)


def test_the_next_holder_goes_on_where_the_last_one_stopped(path: Path) -> None:
    """After a full window and a release, the next holder waits for the window, and not longer."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        lease = await first.hold()
        async with await world.client(lease.store) as client:
            await backfill(client, 9)
        began = world.now
        await first.leases.release(lease)
        assert (await backfill(await second.holding(), 18)).complete
        assert 50 < world.now - began < 64

    run_world(path, scenario)


def test_a_plain_client_gets_its_share(path: Path) -> None:
    """A client without a lease asks the holder, both keep one limit, and the limits come back into memory."""

    async def scenario(world: World) -> None:
        process = await world.process()
        holder, plain = await process.holding(), await world.client(world.path)
        running = asyncio.ensure_future(backfill(holder, 60))
        await world.clock.sleep(70)
        assert (await state_of(process)).limits_holder is not None
        began = world.now
        await plain.day("2020-01-01", OTHER)
        assert world.now - began < 130
        assert (await state_of(process)).limits_holder is None
        await world.clock.sleep(100)
        assert (await state_of(process)).limits_holder is not None
        assert (await running).complete

    run_world(path, scenario)


def test_a_holder_that_cannot_renew_stops_in_time(path: Path) -> None:
    """It sends nothing once it cannot be sure of its lease, and goes on when it is renewed."""

    async def scenario(world: World) -> None:
        process = await world.process()
        client = await process.holding()
        running = asyncio.ensure_future(backfill(client, 90))
        await world.clock.sleep(65)
        break_renewal(process)
        await world.clock.sleep(40)
        sent = world.upstream.counters.requests
        await world.clock.sleep(200)
        assert world.upstream.counters.requests == sent
        mend_renewal(process)
        assert (await running).complete

    run_world(path, scenario)


def test_a_former_holder_ends(path: Path) -> None:
    """Another process takes an expired lease; the former holder's run ends, and the key sees no burst."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        client = await first.holding()
        running = asyncio.ensure_future(backfill(client, 90))
        await world.clock.sleep(65)
        break_renewal(first)
        while isinstance(lease := await second.take("mine"), StoredLease):
            await world.clock.sleep(1)
        assert 25 <= world.now - 65 <= 35
        done = asyncio.ensure_future(backfill(await world.client(lease.store), 90))
        await world.clock.sleep(30)
        mend_renewal(first)
        with pytest.raises(LeaseLostError, match="'acme'") as lost:
            await running
        assert lost.value.report is not None
        assert not lost.value.report.complete
        with pytest.raises(LeaseLostError):
            await client.day("2020-04-01", LINK)
        assert (await done).complete

    upstream = run_world(path, scenario)
    assert upstream.counters.requests <= 90 + LIMITS.concurrency + 2


def test_whoever_takes_over_waits_a_window(path: Path) -> None:
    """What a former holder has sent last is unknown, so the windows count as full from its end on."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        await (await first.holding()).day("2020-01-01", LINK)
        break_renewal(first)
        while isinstance(lease := await second.take(), StoredLease):
            await world.clock.sleep(0.5)
        began = world.now
        await (await world.client(lease.store)).day("2020-01-02", LINK)
        assert 59 <= world.now - began <= 62

    run_world(path, scenario)


def test_a_suspended_machine(path: Path) -> None:
    """A holder whose wall clock has jumped ahead renews its lease before it sends, or ends."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        client = await first.holding()
        await client.day("2020-01-01", LINK)
        world.clock.step(3600)
        await client.day("2020-01-02", LINK)
        break_renewal(first)
        world.clock.step(3600)
        waiting = asyncio.ensure_future(client.day("2020-01-03", LINK))
        await world.clock.sleep(5)
        assert not waiting.done()
        (account,) = (await second.store.accounts()).values()
        await second.store.ask_holder(account, gone=[first.leases.holder.name])
        mend_renewal(first)
        with pytest.raises(LeaseLostError):
            await waiting

    upstream = run_world(path, scenario)
    assert upstream.counters.requests == 2


def test_a_wall_clock_that_is_set_back(path: Path) -> None:
    """It changes nothing: the monotonic clock goes on."""

    async def scenario(world: World) -> None:
        client = await (await world.process()).holding()
        await client.day("2020-01-01", LINK)
        world.clock.step(-86_400 * 30)
        assert (await backfill(client, 20)).complete

    run_world(path, scenario)


def test_a_lease_that_is_taken_away_by_name(path: Path) -> None:
    """Its holder ends with its next write or renewal, and others wait until it would have expired."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        client = await first.holding()
        running = asyncio.ensure_future(backfill(client, 90))
        await world.clock.sleep(5)
        assert await end_leases(second.store, "nothing") == 0
        assert await end_leases(second.store, "acme") == 1
        taken_away = world.now
        with pytest.raises(LeaseLostError):
            await running
        assert world.now - taken_away < 11
        other = await second.take()
        assert isinstance(other, StoredLease)
        assert other.holder.name == ""
        await world.clock.sleep(30)
        assert (await backfill(await second.holding(), 10)).complete

    run_world(path, scenario)


def test_a_lease_serves_one_client_at_a_time(path: Path) -> None:
    """A second client would have a memory of its own."""

    async def scenario(world: World) -> None:
        process = await world.process()
        lease = await process.hold()
        async with await world.client(lease.store) as first:
            await backfill(first, 9)
            with pytest.raises(UsageError, match="another client uses this lease"):
                await world.client(lease.store)
        began = world.now
        await backfill(await world.client(lease.store), 12)
        assert world.now - began > 50

    run_world(path, scenario)


def test_one_account_is_held_once_in_a_process(path: Path) -> None:
    """Two jobs of one process with one key cannot both have the account."""

    async def scenario(world: World) -> None:
        process = await world.process()
        both = await asyncio.gather(process.take("a"), process.take("b"))
        assert sorted(type(each).__name__ for each in both) == ["AccountLease", "StoredLease"]

    run_world(path, scenario)


def test_a_call_that_is_cancelled_leaves_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken for it is given back, also if it was taken after the call had ended."""

    async def scenario(clock: VirtualClock) -> None:
        async with MemoryStore(clock=clock) as store, Leases(store, clock=clock) as leases:
            take = store.take_leases

            async def take_slowly(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in the store
                await clock.sleep(1)
                return await take(*args, **kwargs)

            monkeypatch.setattr(store, "take_leases", take_slowly)
            taking = asyncio.ensure_future(leases.take(lambda _: "a" * 64, "acme"))
            await clock.sleep(0.5)
            taking.cancel()
            await asyncio.wait([taking])
            assert taking.cancelled()
            await clock.sleep(1)
            assert await store.leases() == []

    run_virtual(scenario)


def test_many_plain_clients_and_a_holder(path: Path) -> None:
    """They come and go, all are served, and the limit is kept throughout."""

    async def scenario(world: World) -> None:
        process = await world.process()
        running = asyncio.ensure_future(backfill(await process.holding(), 40))

        async def visit(number: int) -> None:
            await world.clock.sleep(40 * number)
            async with await world.client(world.path) as client:
                await backfill(client, 3, Link(f"x{number}", "https://vvd.bz"))

        await asyncio.gather(*[visit(number) for number in range(4)])
        assert (await running).complete

    upstream = run_world(path, scenario)
    assert upstream.counters.requests == 40 + 12


def test_a_plain_client_ends_the_lease_of_a_dead_holder(path: Path) -> None:
    """When the holder is silent, a client without a lease waits until it has expired, and a window."""

    async def scenario(world: World) -> None:
        first = await world.process()
        client = await first.holding()
        running = asyncio.ensure_future(backfill(client, 90))
        await world.clock.sleep(65)
        break_renewal(first)
        running.cancel()
        began = world.now
        await (await world.client(world.path)).day("2020-01-01", OTHER)
        assert 80 < world.now - began < 100
        mend_renewal(first)
        with pytest.raises(LeaseLostError):
            await client.day("2020-04-01", LINK)

    run_world(path, scenario)


def test_a_429_is_known_to_the_next_holder(path: Path) -> None:
    """The pause is written down at once."""

    async def scenario(world: World) -> None:
        process = await world.process()
        client = await process.holding()
        waiting = asyncio.ensure_future(client.day("2020-01-01", LINK))
        await world.clock.sleep(5)
        state = await state_of(process)
        assert (state.pause.held, state.limits_holder is not None) == (True, True)
        await waiting

    run_world(path, scenario, faults=Script(Rule(Status(429), number={1})))


class SlowStore(MemoryStore):
    """A store that keeps nothing until it is told to."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.open_gate = asyncio.Event()
        self.open_gate.set()

    async def _commit(self, changes: Sequence[Any]) -> list[Any]:
        await self.open_gate.wait()
        return await super()._commit(changes)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_back_pressure(concurrency: int) -> None:
    """While no answer is kept, no more are asked for than two besides the concurrency."""
    limits = Limits(rates=(), concurrency=concurrency)

    async def main(clock: VirtualClock) -> None:
        upstream = Simulator(limits=(), concurrency=0, latency=(0.01, 0.02))
        store = SlowStore(clock)
        async with Leases(store, clock=clock) as leases:
            lease = await leases.take(ApiKey(upstream.key).fingerprint, "acme")
            assert isinstance(lease, AccountLease)
            async with Client(
                upstream.key,
                limits=limits,
                transport=upstream.transport(clock),
                clock=clock,
                store=lease.store,
            ) as client:
                await client.day(START, LINK)
                store.open_gate.clear()
                days = [dt.date(2020, 2, 1) + dt.timedelta(days=number) for number in range(28)]
                calls = [asyncio.ensure_future(client.day(day, LINK)) for day in days]
                await clock.sleep(5)
                assert upstream.counters.requests == 1 + concurrency + 2
                store.open_gate.set()
                await asyncio.gather(*calls)
        assert upstream.counters.requests == 29

    run_virtual(main)


def test_a_cap_on_all_unsaved_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers of all accounts of a process that wait to be kept are bounded as well."""
    monkeypatch.setattr(renewal, "MOST_UNSAVED", 5)

    async def main(clock: VirtualClock) -> None:
        upstreams = [Simulator(limits=(), concurrency=0, latency=(0.01, 0.02)) for _ in range(12)]
        store = SlowStore(clock)
        async with Leases(store, clock=clock) as leases, AsyncExitStack() as ends:
            clients = []
            for number, upstream in enumerate(upstreams):
                lease = await leases.take(partial(fingerprint_of, f"account {number}"), f"account {number}")
                assert isinstance(lease, AccountLease)
                client = Client(
                    upstream.key,
                    account=f"account {number}",
                    limits=Limits(rates=(), concurrency=1),
                    transport=upstream.transport(clock),
                    clock=clock,
                    store=lease.store,
                )
                clients.append(await ends.enter_async_context(client))
                await client.day(START, LINK)
            store.open_gate.clear()
            calls = [asyncio.ensure_future(client.day("2020-02-01", LINK)) for client in clients]
            await clock.sleep(0.001)
            calls += [asyncio.ensure_future(client.day("2020-02-02", LINK)) for client in clients]
            await clock.sleep(5)
            assert sum(upstream.counters.requests for upstream in upstreams) <= 12 + 12 + 5
            assert leases.renewal.unsaved >= 5
            store.open_gate.set()
            await asyncio.gather(*calls)
        assert [upstream.counters.requests for upstream in upstreams] == [3] * 12

    run_virtual(main)


def test_the_limits_come_back_into_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also right after a step that reports the last response, when nothing else would wake the tasks."""
    monkeypatch.setattr(active_backend, "ALONE_AFTER", SECOND // 5)

    async def scenario(world: World) -> None:
        process = await world.process()
        running = asyncio.ensure_future(backfill(await process.holding(), 120))
        plain = await world.client(world.path)
        for number in range(4):
            await world.clock.sleep(1)
            await plain.day(f"2020-01-0{number + 1}", OTHER)
        async with asyncio.timeout(100):
            assert (await running).complete

    limits = Limits(rates=(Rate(10, 0.4),), concurrency=1, guard=0.0)
    run_world(path, scenario, limits, latency=(0.005, 0.03))
