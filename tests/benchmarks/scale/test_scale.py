"""The benchmarks of fleets: one tiny run of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from benchmarks.scale import contest, storing, virtual, waiting
from benchmarks.scale.scene import Scene, kept
from hourlyclicks import DayClicks
from hourlyclicks.clock import SystemClock
from hourlyclicks.simulator import run_virtual
from hourlyclicks.simulator.traffic import Traffic
from hourlyclicks.store.memory import MemoryStore
from tests.sizes import THOROUGH

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.server import PostgresServer

    Way = Callable[..., tuple[float, float, int]]

SCENE = Scene(4, 2)


@pytest.mark.parametrize("final", [True, False])
async def test_days_that_are_not_final_do_not_count(final: bool) -> None:  # noqa: FBT001 - a case
    """Only final days count; with a wrong hour, even one day of one account is an error."""
    scene, asked = Scene(1, 2), SystemClock().wall()
    (member,) = scene.members()
    store = MemoryStore()
    account = await store.account(member.name)
    date, other = scene.range
    clicks, users = zip(*Traffic().day(member.link, date), strict=True)
    await store.put(account, member.link, DayClicks(date, clicks, users, asked, final=final), requests=1)
    assert await kept(scene, store) == final
    wrong = DayClicks(other, (7,) * 24, (7,) * 24, asked, final=True)
    await store.put(account, member.link, wrong, requests=1)
    with pytest.raises(AssertionError):
        await kept(scene, store)


def test_on_a_virtual_clock() -> None:
    """Accounts that exceed their window by one request take one window more than the least time."""
    scene = Scene(3, 10)
    found = run_virtual(lambda clock: virtual.fetch(clock, scene))
    assert (found["days"], found["requests"], found["over"]) == (30, 30, 0)
    assert 1 <= found["longest"] < 1.03


@pytest.mark.usefixtures("postgres_server")
class TestWithPostgres:
    """What needs PostgreSQL; each starts a server with settings of its own."""

    @pytest.mark.skipif(not THOROUGH, reason="it makes a server, and starts three processes")
    def test_two_processes_of_ours(self) -> None:
        """All days are kept, and what was done to the database is counted."""
        found = contest.race(SCENE, partial(contest.processes, SCENE, number=2), connections=20)
        load = found.load
        assert (found.days, found.requests, found.over) == (SCENE.total, SCENE.total, 0)
        assert load.commits >= SCENE.total
        assert load.statements >= SCENE.total
        assert load.wal > 100 * SCENE.total
        assert 1 <= load.connections < 20
        assert min(found.processor, found.peak, found.seconds) > 0

    @pytest.mark.skipif(not THOROUGH, reason="a cluster takes seconds to start")
    @pytest.mark.parametrize(
        "way", [partial(contest.a_client_each, threads=2, patience=60.0), contest.fleet_on_dask]
    )
    def test_on_dask(self, way: Way) -> None:
        """All days are fetched, with a client in each task and with shards."""
        pytest.importorskip("distributed")
        found = contest.race(SCENE, partial(way, SCENE))
        assert (found.days, found.requests, found.over) == (SCENE.total, SCENE.total, 0)
        assert min(found.processor, found.peak, found.seconds) > 0

    @pytest.mark.skipif(not THOROUGH, reason="it waits for three processes to start, one after the other")
    def test_accounts_that_wait(self) -> None:
        """They take memory and descriptors, and end when they are told to."""
        taken = waiting.measured(4, settled=0.1)
        assert taken["bytes"] > 0
        assert taken["descriptors"] > 5

    async def test_sizes(self, postgres_server: PostgresServer) -> None:
        """A day takes more than nothing, and the disk allows some commits."""
        whole, indexes = await storing.sizes(await postgres_server.new_database(), Scene(4, 30))
        assert 0 <= indexes < whole < 10_000
        assert await storing.commits(await postgres_server.new_database(), 0.1) > 0
