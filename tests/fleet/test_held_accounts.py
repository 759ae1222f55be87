"""Several runs on the same accounts at the same time: each account has one holder, and all are done."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import LeaseLostError, Limits, Rate, StopReason, StoreError, UsageError
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.leases import Leases, end_leases
from hourlyclicks.events import FleetProgress
from hourlyclicks.fleet import AccountState, run_jobs
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.store.leases import LIFE, Holder, StoredLease
from hourlyclicks.store.sqlite_leases import SqliteLeases
from tests.fleet.fleets import DAYS, Fleet, job, named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.fleet import AccountJob, FleetReport
    from hourlyclicks.simulator import VirtualClock

SLOW = Limits(rates=(Rate(1, 10.0),))


async def run(fleet: Fleet, jobs: Iterable[AccountJob], **options: Any) -> FleetReport:  # noqa: ANN401 - arguments of `run_jobs`
    """Run jobs like another process: with a connection to the same store, and leases of its own."""
    return await run_jobs(
        jobs,
        store=fleet.store,
        transport=fleet.upstream.transport(fleet.clock),
        clock=fleet.clock,
        random=random.Random(2),
        timezone="UTC",
        **options,
    )


@pytest.mark.parametrize("at_once", [3, 500])
def test_two_runs_share_the_accounts(at_once: int) -> None:
    """Each day is requested once, both find every account complete, and no limit is exceeded."""
    fleet = Fleet(12)

    async def both() -> tuple[FleetReport, FleetReport]:
        backwards = list(reversed(fleet.jobs))
        return await asyncio.gather(
            run(fleet, fleet.jobs, at_once=at_once), run(fleet, backwards, at_once=at_once)
        )

    first, second = fleet.play(both())
    assert first.complete
    assert second.complete
    assert first.requests + second.requests == fleet.upstream.counters.requests == 12 * DAYS
    assert first.done + second.done == 12 * DAYS
    assert fleet.upstream.counters.over_limit == 0
    assert fleet.wrong() == []


def test_an_account_that_another_process_keeps() -> None:
    """It is waited for; at the deadline the report says that it is held."""
    fleet = Fleet(3)

    async def hold() -> FleetReport:
        async with Leases(fleet.store, clock=fleet.clock) as leases:
            lease = await leases.take(lambda salt: fingerprint_of(named(1), salt), named(1))
            assert not isinstance(lease, StoredLease)
            return await run(fleet, fleet.jobs, deadline=120)

    report = fleet.play(hold())
    assert report.stopped is StopReason.DEADLINE
    assert report.states == {AccountState.COMPLETE: 2, AccountState.HELD: 1}
    assert fleet.run().complete


def test_an_account_is_taken_when_its_holder_ends() -> None:
    """Soon after the lease was given back."""
    fleet = Fleet(2)

    async def hold() -> FleetReport:
        async with Leases(fleet.store, clock=fleet.clock) as leases:
            await leases.take(lambda salt: fingerprint_of(named(1), salt), named(1))
            running = asyncio.ensure_future(run(fleet, fleet.jobs))
            await fleet.clock.sleep(60)
            assert not running.done()
        return await running

    report = fleet.play(hold())
    assert report.complete
    assert 60 < report.seconds < 64


def test_an_account_whose_lease_was_taken_away_is_tried_again() -> None:
    """Its run ends, nothing is stored without the lease, and what is missing is requested later."""
    fleet = Fleet(3, {"limits": [(1, 10.0)]})
    jobs = [job(number, plan=None, limits=SLOW) for number in range(3)]

    async def interfere() -> tuple[FleetReport, int]:
        running = asyncio.ensure_future(run(fleet, jobs))
        await fleet.clock.sleep(5)
        ended = await end_leases(fleet.store, named(1))
        return await running, ended

    report, ended = fleet.play(interfere())
    assert ended == 1
    assert report.complete
    assert report.reused == 1
    assert fleet.upstream.counters.over_limit == 0
    assert fleet.upstream.counters.requests <= 3 * DAYS + 1
    assert fleet.wrong() == []


def test_the_clock_is_set_back_while_an_account_is_held() -> None:
    """If its holder is gone, it is held for the life of a lease, not for as long as the clock was wrong."""
    fleet, holder = Fleet(1), Holder("gone", "elsewhere", "", 1, 0)

    async def hold() -> FleetReport:
        await fleet.store.open()
        name = fingerprint_of(named(0), await fleet.store.salt())
        (number,) = (await fleet.store.account_numbers({name: None})).values()
        await fleet.store.take_leases({number: named(0)}, holder, 30.0)
        running = asyncio.ensure_future(run(fleet, fleet.jobs, deadline=3_600))
        await fleet.clock.sleep(10)
        await fleet.store.take_leases({number: named(0)}, holder, 7_200.0)
        return await running

    report = fleet.play(hold())
    assert report.complete
    assert LIFE <= report.seconds < 2 * LIFE


def test_a_lost_lease_is_in_the_report() -> None:
    """If the run ends before the account could be tried again."""
    fleet = Fleet(1, {"limits": [(1, 10.0)]})

    async def interfere() -> FleetReport:
        running = asyncio.ensure_future(run(fleet, [job(0, plan=None, limits=SLOW)], deadline=LIFE))
        await fleet.clock.sleep(5)
        await end_leases(fleet.store, named(0))
        return await running

    report = fleet.play(interfere())
    (account,) = report.accounts
    assert account.state is AccountState.HELD
    assert isinstance(account.error, LeaseLostError)
    assert account.report is not None
    assert account.report.done == 1


def test_an_account_that_is_tried_again_is_counted_once() -> None:
    """The progress adds up to the report, also when a lease was lost."""
    fleet = Fleet(2, {"limits": [(1, 10.0)]})

    async def interfere(clock: VirtualClock) -> None:
        await clock.sleep(5)
        await end_leases(fleet.store, named(1))

    jobs = [job(number, plan=None, limits=SLOW) for number in range(2)]
    report = fleet.run(jobs, meanwhile=interfere)
    last = [event for event in fleet.events if isinstance(event, FleetProgress)][-1]
    assert report.complete
    assert (last.days, last.done, last.failed_days) == (report.total, report.done + report.reused, 0)


def test_a_request_that_waits_longer_than_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not sent when it is its turn: another process may have the account by then."""
    fleet, renew = Fleet(2), SqliteLeases.renew_leases

    began = fleet.clock.monotonic()

    async def renew_at_first(*args: Any) -> Any:  # noqa: ANN401 - as in the store
        if fleet.clock.monotonic() > began + 15 * SECOND:
            raise StoreError("the database is not reachable")
        return await renew(*args)

    monkeypatch.setattr(SqliteLeases, "renew_leases", renew_at_first)

    report = fleet.run(rate="1/60", deadline=200)
    assert not report.complete
    assert fleet.upstream.counters.requests == 1


def test_a_store_without_leases_is_refused() -> None:
    """It could not keep two processes apart."""

    class Own:
        """A store of a user's own."""

        pace = open = close = staticmethod(lambda *_: asyncio.sleep(0))

    with pytest.raises(UsageError, match="keeps no leases"):
        Fleet(1).run(store=Own())
