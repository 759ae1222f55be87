"""`run_jobs`: many accounts over one store and one network, whatever happens to some of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import pickle
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import (
    Account,
    AuthenticationError,
    Limits,
    Link,
    Plan,
    PlanError,
    Rate,
    StopReason,
    StoreError,
    UsageError,
)
from hourlyclicks.events import AccountEnded, FleetProgress
from hourlyclicks.fleet import AccountState, KeyRef, run_jobs
from hourlyclicks.simulator import Envelope, Rule, Script, Status
from hourlyclicks.store.sqlite_leases import SqliteLeases
from hourlyclicks.store.sqlite_operations import SqliteOperations
from tests.fleet.fleets import DAYS, END, KEYS, Fleet, job, link, named, states
from tests.sizes import sized

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.fleet import AccountJob, FleetReport
    from hourlyclicks.simulator import VirtualClock

SLOW = Limits(rates=(Rate(2, 10.0),))
REJECTED = Envelope({"code": 404, "message": "no such link"})


async def key_that_comes_tomorrow() -> str:
    """Wait for a vault that does not answer."""
    await asyncio.sleep(86_400)
    return KEYS[named(1)]


def test_many_accounts_of_three_days() -> None:
    """Every cell is that of the server, no limit is exceeded, and no day is requested twice."""
    size = sized(100, 1_000)
    fleet = Fleet(size)
    report = fleet.run()
    assert (report.complete, report.listed, report.stopped) == (True, True, StopReason.COMPLETE)
    assert (report.total, report.done, report.requests) == (DAYS * size, DAYS * size, DAYS * size)
    assert [each.name for each in report.accounts] == [named(number) for number in range(size)]
    assert fleet.upstream.counters.over_limit == fleet.upstream.counters.over_concurrency == 0
    assert fleet.upstream.counters.requests == DAYS * size
    assert fleet.wrong() == []


def test_the_same_run_again_requests_nothing() -> None:
    """What is in the store is reused."""
    fleet = Fleet(5)
    fleet.run()
    again = fleet.run()
    assert (again.complete, again.reused, again.requests) == (True, 15, 0)
    assert fleet.upstream.counters.requests == 15


def test_a_run_that_was_stopped_is_resumed(tmp_path: Path) -> None:
    """Two runs together request each day once, also with a path of a store."""
    fleet, path = Fleet(6, {"limits": [(2, 10.0)]}), tmp_path / "clicks.db"
    jobs = [job(number, plan=None, limits=SLOW) for number in range(6)]
    stop = asyncio.Event()

    async def stop_soon(clock: VirtualClock) -> None:
        await clock.sleep(5)
        stop.set()

    first = fleet.run(jobs, store=path, stop=stop, meanwhile=stop_soon)
    assert first.stopped is StopReason.STOPPED
    assert first.done == 12
    assert {each.report.stopped for each in first.incomplete_accounts if each.report} == {StopReason.STOPPED}
    second = fleet.run(jobs, store=str(path))
    assert second.complete
    assert second.reused == first.done
    assert set(fleet.upstream.counters.asked.values()) == {1}


def test_trouble_of_one_account_ends_it_alone() -> None:
    """A wrong key, a plan without access, a rejected link and a revoked key stand in the report."""
    rejected = Rule(REJECTED, target=link(3))
    revoked = Rule(Status(401), target=link(4), day=dt.date.fromisoformat(END))
    fleet = Fleet(10, {"faults": Script(rejected, revoked)})
    KEYS[named(1)] = "wrong-key-of-a-test"
    jobs = fleet.jobs
    jobs[2] = job(2, plan=Plan.FREE)
    jobs[5] = job(5, plan=Plan.PERSONAL, targets=[Account()])
    report = fleet.run(jobs)
    found = {each.name: each for each in report.incomplete_accounts}
    assert states(report) == {
        named(1): "failed",
        named(2): "failed",
        named(3): "incomplete",
        named(4): "failed",
        named(5): "failed",
    }
    assert isinstance(found[named(1)].error, AuthenticationError)
    assert isinstance(found[named(2)].error, PlanError)
    assert isinstance(found[named(4)].error, AuthenticationError)
    assert isinstance(found[named(5)].error, PlanError)
    bad, half = found[named(3)].report, found[named(4)].report
    assert bad is not None
    assert {query.target for query in bad.failures} == {link(3)}
    assert half is not None
    assert half.done == DAYS - 1
    assert fleet.wrong([0, 6, 7, 8, 9]) == []
    copied = pickle.loads(pickle.dumps(report))  # noqa: S301 - ours
    assert copied.as_dict() == report.as_dict()


def test_a_key_that_cannot_be_read_fails_its_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The report says which reference it was, and nothing of what was there."""
    monkeypatch.setenv("EMPTY_KEY", "")
    monkeypatch.setenv("BAD_KEY", "a key with blanks")
    monkeypatch.delenv("NO_KEY", raising=False)
    fleet = Fleet(5)
    jobs = [
        job(0),
        job(1, key=KeyRef.env("NO_KEY")),
        job(2, key=KeyRef.env("EMPTY_KEY")),
        job(3, key=KeyRef.env("BAD_KEY")),
        job(4, key=KeyRef.file(tmp_path / "none")),
    ]
    report = fleet.run(jobs)
    errors = [str(each.error) for each in report.incomplete_accounts]
    assert errors[0] == "the environment variable NO_KEY is not set"
    assert errors[1] == "no API key: env:EMPTY_KEY is empty"
    assert errors[2].startswith("the API key of env:BAD_KEY has a blank in it")
    assert "cannot be read" in errors[3]
    assert report.done == DAYS


def test_two_accounts_with_one_key() -> None:
    """The second one is refused, since the limits belong to the key; both names are in the error."""
    fleet = Fleet(3)
    KEYS[named(2)] = KEYS[named(0)]
    report = fleet.run()
    assert states(report) == {named(2): "failed"}
    (error,) = [each.error for each in report.incomplete_accounts]
    assert isinstance(error, UsageError)
    assert named(0) in str(error)
    assert named(2) in str(error)


def test_two_jobs_for_one_account_are_a_mistake() -> None:
    """In a collection it is found before anything is sent; in an iterator, the run ends there."""
    fleet = Fleet(3)
    twice = [job(0), job(1), job(0)]
    with pytest.raises(UsageError, match="two jobs for the account 'account-0'"):
        fleet.run(twice)
    assert fleet.upstream.counters.requests == 0
    with pytest.raises(UsageError, match="two jobs for the account 'account-0'") as caught:
        fleet.run(iter(twice))
    assert caught.value.fleet_report is not None
    assert [each.name for each in caught.value.fleet_report.accounts] == [named(0), named(1)]


@pytest.mark.parametrize("jobs", ["acme", job(0), 7, [7], (7,)], ids=str)
def test_what_are_no_jobs(jobs: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """Jobs are several `AccountJob` values, also where they are read one by one."""
    for given in (jobs, iter(jobs) if isinstance(jobs, tuple) else jobs):
        with pytest.raises(UsageError, match="jobs are"):
            Fleet(1).run(given)


def test_accounts_are_read_as_there_is_room() -> None:
    """An iterator is read no further than one account ahead of those that are active."""
    fleet, ahead = Fleet(8), []

    def ended() -> int:
        return sum(isinstance(event, AccountEnded) for event in fleet.events)

    def source() -> Iterator[AccountJob]:
        for number in range(8):
            ahead.append(number - ended())
            yield job(number)

    report = fleet.run(source(), at_once=2)
    assert report.complete
    assert max(ahead) <= 3
    running = [event.running for event in fleet.events if isinstance(event, FleetProgress)]
    assert max(running) <= 2


def test_accounts_from_an_async_iterator() -> None:
    """Jobs may come from a database."""
    fleet = Fleet(4)

    async def source() -> AsyncIterator[AccountJob]:
        for number in range(4):
            await asyncio.sleep(0)
            yield job(number)

    assert fleet.run(source()).complete  # type: ignore[arg-type]  # the helper says iterables


def test_the_source_is_closed_with_the_run() -> None:
    """An async generator that is read no further has closed its cursor when the run returns."""
    fleet, closed = Fleet(20), asyncio.Event()

    async def source() -> AsyncIterator[AccountJob]:
        try:
            for each in fleet.jobs:
                yield each
        finally:
            await asyncio.sleep(0)
            closed.set()

    async def stop(clock: VirtualClock) -> bool:
        report = await run_jobs(
            source(),
            store=fleet.store,
            transport=fleet.upstream.transport(clock),
            clock=clock,
            deadline=2,
            at_once=1,
        )
        return closed.is_set() and not report.listed

    assert fleet.play(stop(fleet.clock))


def test_an_error_of_the_source_ends_the_run() -> None:
    """What was begun is finished, and the error carries the report."""

    def source() -> Iterator[AccountJob]:
        yield job(0)
        raise ConnectionError("the list of customers is gone")

    fleet = Fleet(1)
    with pytest.raises(ConnectionError) as caught:
        fleet.run(source())
    report = caught.value.fleet_report  # type: ignore[attr-defined]  # attached to any exception
    assert (report.stopped, report.listed) == (StopReason.ERROR, False)


def test_the_rate_holds_for_all_accounts_together() -> None:
    """No stretch of that length has more requests; each account keeps its own limit besides."""
    fleet = Fleet(20, {"latency": (0.01, 0.4)})
    report = fleet.run(rate="10/2")
    assert report.complete
    arrivals = sorted(arrival.at for arrival in fleet.upstream.seen)
    assert len(arrivals) == 60
    window = 2_000_000_000
    assert all(late - early >= window for early, late in zip(arrivals, arrivals[10:], strict=False))
    assert report.seconds < 60 / 10 * 2 * 1.6
    assert fleet.upstream.counters.over_limit == 0


def test_a_request_that_the_rate_held_back_is_not_counted() -> None:
    """When the run is stopped, the report and the server agree on what was sent."""
    fleet, stop = Fleet(20), asyncio.Event()

    async def stop_soon(clock: VirtualClock) -> None:
        await clock.sleep(9)
        stop.set()

    report = fleet.run(rate="2/2", stop=stop, meanwhile=stop_soon)
    assert report.stopped is StopReason.STOPPED
    assert report.requests == report.done == fleet.upstream.counters.requests < 60
    assert report.failed == report.retries == 0


@pytest.mark.parametrize("rate", ["500", "0/1", "1/0", 7, "5/-1", ""])
def test_a_rate_that_is_none(rate: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A rate is requests and seconds."""
    with pytest.raises(UsageError, match="is not requests/seconds"):
        Fleet(1).run(rate=rate)
    assert Fleet(1).run(rate=Rate(5, 1.0)).complete


def test_the_deadline_stops_all_accounts() -> None:
    """Each report gives it as the reason, and accounts that had not begun are in the report."""
    fleet = Fleet(6, {"latency": (2.0, 2.0)})
    report = fleet.run(deadline=6, at_once=2)
    assert report.stopped is StopReason.DEADLINE
    assert len(report.accounts) == 6
    assert report.states[AccountState.UNSTARTED] >= 3
    assert {each.report.stopped for each in report.accounts if each.report} <= {
        StopReason.DEADLINE,
        StopReason.COMPLETE,
    }
    assert report.seconds < 11


def test_a_deadline_that_has_passed() -> None:
    """No account begins; all are in the report."""
    report = Fleet(3).run(deadline=dt.timedelta(0))
    assert report.states == {AccountState.UNSTARTED: 3}
    assert report.stopped is StopReason.DEADLINE


def test_a_key_that_does_not_come() -> None:
    """The end of the run does not wait for it: the account has not begun, and holds no lease."""
    fleet = Fleet(2)
    late = job(1, key=KeyRef.call(f"{__name__}:key_that_comes_tomorrow"))
    report = fleet.run([job(0), late], deadline=600)
    assert 600 <= report.seconds < 601
    assert [each.state for each in report.accounts] == [AccountState.COMPLETE, AccountState.UNSTARTED]
    assert fleet.play(fleet.store.leases()) == []


def test_a_cancelled_run_carries_its_report() -> None:
    """What was fetched before is in the store, and the report says how much that is."""
    fleet = Fleet(3, {"limits": [(2, 10.0)]})
    jobs = [job(number, plan=None, limits=SLOW) for number in range(3)]
    caught: list[FleetReport] = []

    async def cancel_soon() -> None:
        running = asyncio.ensure_future(
            run_jobs(
                jobs, store=fleet.store, transport=fleet.upstream.transport(fleet.clock), clock=fleet.clock
            )
        )
        await fleet.clock.sleep(5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError) as error:
            await running
        caught.append(error.value.fleet_report)  # type: ignore[attr-defined]  # attached to any exception

    fleet.play(cancel_soon())
    assert [(report.stopped, report.done) for report in caught] == [(StopReason.STOPPED, 6)]
    assert fleet.run(jobs).complete
    assert set(fleet.upstream.counters.asked.values()) == {1}


def test_a_store_that_fails_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No account could keep anything; the error carries the report."""
    fleet, put, room = Fleet(20), SqliteOperations.put, iter(range(5))

    async def put_while_there_is_room(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as in the store
        if next(room, None) is None:
            raise StoreError("the disk is full")
        return await put(*args, **kwargs)

    monkeypatch.setattr(SqliteOperations, "put", put_while_there_is_room)
    with pytest.raises(StoreError, match="the disk is full") as caught:
        fleet.run(at_once=5)
    report = caught.value.fleet_report
    assert report is not None
    assert report.stopped is StopReason.ERROR
    assert len(report.accounts) == 20
    assert report.done == 5
    assert fleet.upstream.counters.requests < 30


def test_leases_that_cannot_be_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched is reported nevertheless; the leases expire."""
    fleet = Fleet(3)

    async def fail(*_: object) -> None:
        raise StoreError("the database is being restarted")

    monkeypatch.setattr(SqliteLeases, "release_leases", fail)
    report = fleet.run()
    assert report.complete
    assert report.done == 3 * DAYS


def test_a_store_by_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The address of a store may be a reference, as it may hold a password."""
    fleet, path = Fleet(2), tmp_path / "clicks.db"
    monkeypatch.setenv("CLICKS_STORE", str(path))
    assert fleet.run(store=KeyRef.env("CLICKS_STORE")).complete
    assert path.exists()


def test_without_days_targets_are_brought_up_to_date() -> None:
    """A job without a first day is a sync, and one without a last day goes up to yesterday."""
    fleet = Fleet(2)
    report = fleet.run([job(0, start="2024-03-07", end=None), job(1, start=None, end=None)])
    assert [each.report.total for each in report.accounts if each.report] == [3, 365]
    assert fleet.clock.wall().date() == dt.date(2024, 3, 10)


def test_limits_in_place_of_plans() -> None:
    """Those of a job hold before those of the run."""
    fleet = Fleet(2, {"limits": [(2, 10.0)]})
    report = fleet.run([job(0, plan=None, limits=SLOW), job(1, plan=None)], limits=SLOW)
    assert report.complete
    assert fleet.upstream.counters.over_limit == 0


def test_the_progress_is_told_while_all_accounts_wait() -> None:
    """What the first window brought is reported a second later, and not with the next request."""
    fleet = Fleet(4, {"limits": [(2, 600.0)]})
    assert fleet.run(
        [job(number, plan=None) for number in range(4)], limits=Limits(rates=(Rate(2, 600.0),))
    ).complete
    early = [event for event in fleet.events if isinstance(event, FleetProgress) and event.seconds < 60]
    assert early[-1].done == 4 * 2
    assert len(early) <= 5


def test_events_are_sums() -> None:
    """The progress adds up to the report, and each account ends once."""
    fleet = Fleet(12)
    report = fleet.run(at_once=4)
    ended = [event.report.name for event in fleet.events if isinstance(event, AccountEnded)]
    assert sorted(ended) == sorted(each.name for each in report.accounts)
    progress = [event for event in fleet.events if isinstance(event, FleetProgress)]
    last = progress[-1]
    assert (last.accounts, last.running, last.held, last.complete, last.failed) == (12, 0, 0, 12, 0)
    assert (last.days, last.done, last.failed_days, last.listed) == (36, 36, 0, True)
    assert all(before.done <= after.done for before, after in pairwise(progress))
    assert all(each.running + each.complete + each.failed <= each.accounts for each in progress)


def test_at_the_end_it_is_told_how_often_a_hook_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    """As when a client is closed."""
    fleet = Fleet(3)

    def failing(_: Event) -> None:
        raise KeyError

    fleet.play(fleet.one(fleet.jobs, on_event=failing))
    last = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"][-2:]
    assert [re.sub(r".*<locals>\.", "", message) for message in sorted(last)] == [
        "failing failed with KeyError on 3 AccountEnded events",
        "failing failed with KeyError on 4 FleetProgress events",
    ]


def test_an_account_may_have_several_targets_with_first_days() -> None:
    """Targets come as for a backfill."""
    fleet = Fleet(1)
    pairs = [(Link("a", "https://vvd.bz"), "2024-03-02"), Link("b", "https://vvd.bz")]
    report = fleet.run([job(0, targets=pairs)])
    assert (report.complete, report.total) == (True, 2 + DAYS)
