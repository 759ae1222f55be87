"""One suite for every engine: real processes, one of which is killed, and another stopped for a while.

``HOURLYCLICKS_ACCOUNTS=1001 HOURLYCLICKS_DAYS=3`` makes it a large one, ``HOURLYCLICKS_WORKERS=2`` one with
so many workers; the key of the first account is one that the API does not know. ``--log-cli-level=info``
shows the figures.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pytest

from hourlyclicks.errors import AuthenticationError
from hourlyclicks.fleet import AccountState, run_jobs
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store.opening import open_store
from tests.cli.serving import serving
from tests.fleet.engines.accounts import CANARY, Setting, key_of, link_of
from tests.fleet.engines.holders import held
from tests.fleet.engines.teams import TEAMS, Processes, until
from tests.marks import thorough_only
from tests.sizes import sized

if TYPE_CHECKING:
    import datetime as dt
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.fleet import FleetReport
    from hourlyclicks.simulator import VirtualClock
    from tests.fleet.engines.teams import Team
    from tests.store.server import PostgresServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are looked at in /proc")

_log = logging.getLogger(__name__)

Cell: TypeAlias = tuple[int | None, int | None]
ACCOUNTS = int(os.environ.get("HOURLYCLICKS_ACCOUNTS", sized("8", "21")))
DAYS = int(os.environ.get("HOURLYCLICKS_DAYS", sized("10", "20")))
WORKERS = int(os.environ.get("HOURLYCLICKS_WORKERS", "0"))
LONGEST_STOP = 15.0
"""Seconds; a worker that is stopped within a transaction keeps its rows locked."""


class Outcome(NamedTuple):
    """What was left behind by a run with a worker that was killed and another that was stopped for a while.

    Args:
        setting: what was to do.
        team: the processes.
        store: where the days are.
        report: what the engine reported, if it does.
        upstream: the server.
        lost: how many accounts the two workers had.
    """

    setting: Setting
    team: Team
    store: str
    report: FleetReport | None
    upstream: Simulator
    lost: int


ENGINES = [
    pytest.param(team, id=f"postgres-{team.__name__}", marks=[] if team is Processes else [thorough_only])
    for team in TEAMS
]
"""With Dask and procrastinate, other tests of `tests.fleet` run accounts in this process."""


@pytest.fixture(scope="module", params=ENGINES)
def outcome(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    """Run an engine, kill one of its workers at work, and stop another one until its leases are over."""
    kind: type[Team] = request.param
    for library in kind.needs:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    setting = Setting("", ACCOUNTS, DAYS)
    keys = {key_of(name): "premium" for name in setting.known}
    limits = ((setting.requests, setting.window),)
    size = WORKERS or sized(kind.few, 3)
    harmed = min(2, size - 1)  # of two, one is killed, and of three another one is stopped
    store = asyncio.run(postgres_server.new_database())
    folder = tmp_path_factory.mktemp("engine")
    with serving(keys=keys, limits=limits, concurrency=1, latency=(0.005, 0.03)) as upstream:
        team = kind(setting._replace(url=upstream.url), folder, store, size)
        began = time.monotonic()
        try:
            team.start()
            at_work: list[subprocess.Popen[bytes]] = []

            def are_at_work() -> bool:
                if upstream.counters.requests < setting.accounts:
                    return False
                holders = held(store)
                at_work[:] = [worker for worker in team.workers if worker.pid in holders]
                return len(at_work) >= harmed

            until(are_at_work)  # on a busy machine some have ended before others begin
            team.look()
            killed, *stopped = at_work[:harmed]
            for worker in (killed, *stopped):
                worker.send_signal(signal.SIGSTOP)
            lost = {worker.pid: held(store).get(worker.pid, []) for worker in (killed, *stopped)}
            killed.kill()
            for worker in stopped:
                _wait_for_others(upstream, lost[worker.pid])
                worker.send_signal(signal.SIGCONT)
            report, accounts = team.finish(), sum(map(len, lost.values()))
            _log.info(
                "%s: %s accounts, %.1f s, %s of them lost, %s requests",
                kind.__name__,
                ACCOUNTS,
                time.monotonic() - began,
                accounts,
                upstream.counters.requests,
            )
            yield Outcome(team.setting, team, store, report, upstream, accounts)
        finally:
            team.end()


def _wait_for_others(upstream: Simulator, names: list[str]) -> None:
    """Wait until accounts of a stopped worker are taken over; it may keep rows locked, so not for ever."""
    before = _requests(upstream, names)
    until(lambda: _requests(upstream, names) > before, LONGEST_STOP)


def _requests(upstream: Simulator, names: list[str]) -> int:
    """Return how many requests there were with the keys of some accounts."""
    return sum(upstream.counters.count(key=key_of(name)) for name in names)


def test_every_day_is_final_and_as_one_process_alone_stores_it(outcome: Outcome, tmp_path: Path) -> None:
    """Nothing is lost, doubled or changed by what happened to the workers."""
    setting, path = outcome.setting, tmp_path / "alone.db"
    keys = {key_of(name): "premium" for name in setting.known}

    async def alone(clock: VirtualClock) -> None:
        upstream = Simulator(keys=keys, limits=(), concurrency=0)
        options = setting.options | {"transport": upstream.transport(clock), "clock": clock}
        await run_jobs(setting.jobs, store=path, **options)

    run_virtual(alone)
    expected = asyncio.run(cells(path, setting))
    assert len(expected) == len(setting.known) * setting.days * 24
    assert asyncio.run(cells(outcome.store, setting)) == expected


async def cells(where: str | Path, setting: Setting) -> dict[tuple[str, dt.date, int], Cell]:
    """Return what a store has of all accounts, every day of which must be final."""
    found = {}
    async with open_store(where) as store:
        for name in setting.known:
            account = await store.account(name)
            series = await account.series(setting.range.start, setting.range.end, link_of(name))
            assert (series.missing_days, series.provisional_days) == ((), ())
            for hour in series:
                found[name, hour.date, hour.hour] = (hour.clicks, hour.unique_users)
    return found


def test_no_key_is_over_its_limit(outcome: Outcome) -> None:
    """The limit of each key is kept across all processes, the dead and the stopped one included."""
    setting, upstream = outcome.setting, outcome.upstream
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
    most = [upstream.max_in_window(setting.window, key_of(name)) for name in setting.known]
    assert max(most) <= setting.requests


def test_only_what_was_in_flight_is_requested_again(outcome: Outcome) -> None:
    """A lost worker costs at most (concurrency + 2) requests for each of its accounts."""
    setting = outcome.setting
    days, requests = len(setting.known) * setting.days, _requests(outcome.upstream, setting.known)
    assert days <= requests <= days + (setting.limits.concurrency + 2) * outcome.lost
    assert 0 < outcome.lost < setting.accounts


def test_an_account_that_fails_is_reported_and_ends_alone(outcome: Outcome) -> None:
    """A rejected key is a typed error wherever the engine reports one, and the others are complete."""
    report, team = outcome.report, outcome.team
    if report is None:
        assert team.failed == outcome.setting.names[:1]
        assert any(b"hourlyclicks.errors.AuthenticationError" in text for text in team.texts().values())
        return
    assert [each.name for each in report.accounts] == outcome.setting.names
    failed, *others = report.accounts
    assert (type(failed.error), failed.state) == (AuthenticationError, AccountState.FAILED)
    assert {each.state for each in others} == {AccountState.COMPLETE}


def test_nothing_but_references_is_passed_around(outcome: Outcome) -> None:
    """Neither a key nor the password of the store is in a task, a log, a dump, a file or a command."""
    texts = outcome.team.texts()
    assert sum(map(len, texts.values())) > 1000
    for secret in (CANARY, outcome.store):
        assert [name for name, text in texts.items() if secret.encode() in text] == []
