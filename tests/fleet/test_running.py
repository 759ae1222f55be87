"""Runs over many accounts as others see them, and how they are stopped from outside."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

from hourlyclicks import Limits, Rate
from hourlyclicks.clock import SECOND, SystemClock
from hourlyclicks.fleet import running_fleets, stop_fleets
from hourlyclicks.fleet.reporting import SEEN_AFTER, FleetReporter
from hourlyclicks.model.report import StopReason
from hourlyclicks.simulator import run_virtual
from hourlyclicks.store.fleets import KEPT, REPORTED_WITHIN, FleetEntry
from hourlyclicks.store.leases import Holder
from hourlyclicks.store.opening import open_store, store_of
from hourlyclicks.store.shield import wait_shielded
from hourlyclicks.store.sqlite import SqliteStore
from tests.cli.serving import ENVIRONMENT, ROOT, invoke, serving
from tests.fleet.engines.accounts import key_of
from tests.fleet.engines.one_key import KEY
from tests.fleet.engines.teams import until
from tests.fleet.fleets import Fleet, job
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from hourlyclicks.fleet import FleetReport, RunningFleet
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.store.fleets import FleetStore
    from tests.store.databases import PreparedDatabases

SLOW = Limits(rates=(Rate(1, 10.0),))


def test_a_run_is_seen_and_stopped() -> None:
    """Soon after its begin it tells how much is to do; asked to stop, it ends as by its event."""
    fleet = Fleet(5)
    seen: list[tuple[RunningFleet, ...]] = []

    async def look(clock: VirtualClock) -> None:
        async with open_store(fleet.store, read_only=False) as store:
            await clock.sleep(SEEN_AFTER / 2)
            seen.append(await running_fleets(store))
            await clock.sleep(SEEN_AFTER)
            seen.append(await running_fleets(store))
            assert await stop_fleets(store, name="hourly") == ()
            asked = await stop_fleets(store, name="nightly")
            assert [run.name for run in asked] == ["nightly"]
            seen.append(await running_fleets(store))

    async def look_again() -> tuple[RunningFleet, ...]:
        async with open_store(fleet.store) as store:
            return await running_fleets(store)

    jobs = [job(number, plan=None, limits=SLOW) for number in range(5)]
    report = fleet.run(jobs, meanwhile=look, at_once=2, name="nightly")
    assert report.stopped is StopReason.STOPPED
    assert report.requests == fleet.upstream.counters.requests < 15
    before, (run,), (stopping,) = seen
    assert (before, fleet.play(look_again())) == ((), ())
    assert (run.name, run.pid, run.active, run.waiting, run.requests) == ("nightly", os.getpid(), 2, 3, 4)
    assert (run.stopping, stopping.stopping, run.gone) == (False, True, False)


def test_runs_of_one_name_are_one() -> None:
    """As the jobs of a queue are; a stop does not reach one that begins after it."""
    fleet = Fleet(2)
    seen: list[RunningFleet] = []

    async def both() -> list[FleetReport]:
        runs = [asyncio.ensure_future(fleet.one([job(n, plan=None, limits=SLOW)])) for n in range(2)]
        async with open_store(fleet.store, read_only=False) as store:
            await fleet.clock.sleep(SEEN_AFTER + 1)
            seen.extend(await stop_fleets(store))
            return await asyncio.gather(*runs) + [await fleet.one([job(1)])]

    first, second, later = fleet.play(both())
    assert [(run.name, run.active) for run in seen] == [(None, 2)]
    assert {first.stopped, second.stopped} == {StopReason.STOPPED}
    assert later.complete


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a new store is."""
    if request.param == "sqlite":
        return str(tmp_path / "clicks.db")
    databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
    return asyncio.run(databases.new())


@pytest.mark.parametrize("where", sized(["sqlite"], ["sqlite", "postgres"]), indirect=True)
def test_the_commands_show_and_stop_a_run_in_another_process(where: str) -> None:
    """Its machine, its process, since when, and how much is to do; a killed one is shown as such."""
    shown: list[str] = []
    env = {"HOURLYCLICKS_API_KEY": None, "HOURLYCLICKS_STORE": where}

    def keyless(*words: str) -> str:
        return invoke(*words, env=env).stdout

    def is_seen() -> bool:
        shown[:] = keyless("status", "--running").splitlines()
        return len(shown) > 2 and re.search(r"active, 0 waiting; 3\d\d requests to go", shown[2]) is not None

    with serving(keys={key_of(KEY): "premium"}, limits=((4, 1.0),), latency=(0.005, 0.01)) as upstream:
        words = ("tests.fleet.engines.one_key", upstream.url, where, "acme", "400")
        command = [sys.executable, "-m", *words]
        with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE) as run:  # noqa: S603 - ours
            try:
                until(lambda: upstream.counters.requests > 0)
                until(is_seen)
                assert shown[0] == "many accounts"
                assert re.fullmatch(rf"  running  acme, process {run.pid} on \S+, since \d\d:\d\d", shown[1])
                assert shown[2].startswith(" " * 11 + "1 account active, 0 waiting; ")
                assert shown[1] in keyless("fleet", "status").splitlines()
                [as_json] = json.loads(keyless("status", "--running", "--format", "json"))
                assert (as_json["account"], as_json["pid"], as_json["active"]) == (None, run.pid, 1)
                assert invoke("stop", "--name", "other", env=env).exit_code == 14
                assert (
                    keyless("stop", "--name", "acme")
                    == f"asked to stop: {shown[1][11:].split(', since')[0]}\n"
                )
                output, _ = run.communicate()
                assert re.match(rb"1 account: 1 incomplete\n", output)
            finally:
                run.kill()
    assert keyless("status", "--running") == "No backfill is running.\n"


async def test_what_is_dead_is_not_shown_for_ever(where: str) -> None:
    """A run without reports is left out after five minutes, and forgotten after a day."""
    store: Any = store_of(where)
    await store.open()
    fleets: FleetStore = store
    holder = Holder("me", "one", "machine", 1, 2)
    try:
        assert not await fleets.report_fleet(FleetEntry("a.1", "", holder, 7.0, 1, 2, 3))
        (found,) = await fleets.fleets()
        assert found.entry[3] >= 7.0
        assert found.entry._replace(age=0.0) == FleetEntry(
            "a.1", "", holder._replace(name="a.1"), 0.0, 1, 2, 3
        )
        await fleets.stop_fleets(["a.1"])
        assert await fleets.report_fleet(FleetEntry("a.1", "", holder, 8.0, 0, 0, 0))
        await fleets.end_fleet("a.1")
        assert await fleets.fleets() == []
    finally:
        await store.close()
    assert REPORTED_WITHIN < KEPT


class Restarted(SystemClock):
    """The clock of a machine that was started a second ago."""

    def monotonic(self) -> int:
        """See `hourlyclicks.clock.Clock.monotonic`."""
        return SECOND


async def test_after_a_restart_of_the_machine_no_earlier_run_is_shown(tmp_path: Path) -> None:
    """The clock of a file begins anew with the machine; so a report of before would be of the future."""
    entry = FleetEntry("a.1", "", Holder("me", "one", "machine", 1, 2), 7.0, 1, 2, 3)
    async with SqliteStore(tmp_path / "clicks.db") as store:
        await store.report_fleet(entry)
        assert len(await store.fleets()) == 1
    async with SqliteStore(tmp_path / "clicks.db", clock=Restarted()) as restarted:
        assert await restarted.fleets() == []
        await restarted.end_fleet("b.1")
    async with SqliteStore(tmp_path / "clicks.db") as store:
        assert await store.fleets() == []


class SlowReports:
    """A store whose operations are completed although their caller is cancelled, as those of PostgreSQL."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.known: set[str] = set()

    async def report_fleet(self, entry: FleetEntry) -> bool:
        """See `FleetStore.report_fleet`."""
        return await wait_shielded(asyncio.create_task(self._report(entry.run)))

    async def end_fleet(self, run: str) -> None:
        """See `FleetStore.end_fleet`."""
        self.known.discard(run)

    async def _report(self, run: str) -> bool:
        self.began.set()
        await asyncio.sleep(1)
        self.known.add(run)
        return False


class Idle:
    """A run that does nothing."""

    counts = 0, 0, 0

    def stop_asked(self) -> None:
        """Do nothing."""


def test_a_run_that_ends_amid_a_report_is_forgotten() -> None:
    """A report that is under way could reach the store last, and show for minutes a run that is over."""
    store = SlowReports()

    async def main(clock: VirtualClock) -> None:
        reporter = FleetReporter(cast("FleetStore", store), Holder("me", "one", "machine", 1, 2), clock)
        with reporter.showing(Idle(), "nightly"):
            await store.began.wait()
        await reporter.close()
        await clock.sleep(10)

    run_virtual(main)
    assert store.known == set()
