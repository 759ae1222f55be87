"""A backfill that is killed during its run."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import io
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Account, DateRange, ServerError
from hourlyclicks.cli.demo import child, killing
from hourlyclicks.cli.demo.filling import fill, stored
from hourlyclicks.cli.demo.killing import KilledBackfill
from hourlyclicks.cli.demo.settings import LINK, RATE
from hourlyclicks.events import AttemptFailed, DayDone, Progress
from hourlyclicks.simulator import Rule, Script, Simulator, Status
from hourlyclicks.simulator.app import Arrival
from hourlyclicks.wire.key import KEY_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.events import Event

DAYS = DateRange.of("2025-06-01", "2025-06-05")
TODAY = dt.date(2025, 7, 1)
OOPS = ServerError("HTTP 500", status=500, retryable=True)
EVENTS: list[Event] = [
    DayDone(day=TODAY, target=LINK, requests=2, final=True),
    Progress(done=1, failed=0, total=9, eta=1.5, binding="rate"),
    AttemptFailed(day=TODAY, target=Account(), attempt=1, wait=0.5, error=OOPS),
]


def written(event: Event, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return what is written for an event."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=buffer))
    child.write_event(event)
    monkeypatch.undo()
    return buffer.getvalue()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_read_as_it_was_written(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a line for each event, with all its values."""
    line = written(event, monkeypatch)
    assert line.count(b"\n") == 1
    assert base64.b64decode(line, validate=False)
    assert repr(child.read_event(line)) == repr(event)


def test_the_process_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its parent is gone, the process ends at once."""

    class Gone(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    ended: list[int] = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=Gone()))
    monkeypatch.setattr(os, "_exit", ended.append)
    child.write_event(EVENTS[0])
    assert ended == [1]


async def test_the_process_fetches_into_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a plain backfill."""
    heard: list[Event] = []
    monkeypatch.setattr(child, "write_event", heard.append)
    async with Simulator(plan="business", today=TODAY, timezone="UTC") as server:
        monkeypatch.setenv(KEY_VARIABLE, server.key)
        path = tmp_path / "clicks.db"
        await child.main(server.url, str(path), str(DAYS.start), str(DAYS.end))
    assert not (await stored(path, DAYS)).missing_days
    assert {event.day for event in heard if isinstance(event, DayDone)} == set(DAYS)


async def test_a_process_that_ends_first_is_not_killed(tmp_path: Path) -> None:
    """Few days fit into one window, so there is no moment to kill it; nothing is lost by that."""
    heard: list[Event] = []
    faults = Script(Rule(Status(500), number={2}))
    async with Simulator(plan="business", today=TODAY, timezone="UTC", faults=faults) as server:
        path = tmp_path / "clicks.db"
        assert not await KilledBackfill(server, path, DAYS, on_event=heard.append).run()
        assert server.counters.requests == 6
    assert not (await stored(path, DAYS)).missing_days
    assert sum(isinstance(event, DayDone) for event in heard) == 5


async def test_an_interruption_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends with the one that started it."""
    begun: list[asyncio.subprocess.Process] = []
    ready, start = asyncio.Event(), KilledBackfill._start

    async def starting(self: KilledBackfill) -> asyncio.subprocess.Process:
        begun.append(await start(self))
        ready.set()
        return begun[0]

    monkeypatch.setattr(KilledBackfill, "_start", starting)
    async with Simulator(plan="business", today=TODAY, timezone="UTC", latency=(60, 60)) as server:
        path = tmp_path / "clicks.db"
        task = asyncio.create_task(KilledBackfill(server, path, DAYS, on_event=print).run())
        await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert begun[0].returncode is not None


async def test_a_killed_process_is_not_signalled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second signal by way of subprocess could take the exit status that asyncio waits for, which warns."""

    def signal_again(process: asyncio.subprocess.Process) -> None:
        raise AssertionError(process)

    monkeypatch.setattr(asyncio.subprocess.Process, "kill", signal_again)
    monkeypatch.setattr(KilledBackfill, "_is_good", lambda *_: True)
    async with Simulator(plan="business", today=TODAY, timezone="UTC", latency=(60, 60)) as server:
        assert await KilledBackfill(server, tmp_path / "clicks.db", DAYS, on_event=print).run()


def test_a_good_moment_is_when_a_window_is_used_up(tmp_path: Path) -> None:
    """Enough is done, and a window is used up and not over yet; late, any moment is good."""
    server, now = Simulator(), 10**12
    days = DateRange.of("2025-04-01", "2025-05-10")
    killed = KilledBackfill(server, tmp_path, days, on_event=print)
    arrival = Arrival(method="GET", path="/", query="", headers={}, at=now, now=dt.datetime.now(dt.UTC))
    server.seen.extend([arrival] * RATE.requests)
    assert killed._is_good(20, now)
    assert not killed._is_good(12, now)
    assert not killed._is_good(20, now + killing._WINDOW)
    server.seen.popleft()
    assert not killed._is_good(31, now)
    assert killed._is_good(32, now)


def test_an_ended_process_is_not_killed() -> None:
    """A process that has just ended by itself is distinguished from one that was killed."""
    assert not killing.kill(2**22 + 1)  # beyond the numbers that processes have


async def test_an_interrupted_second_run_keeps_what_it_has(tmp_path: Path) -> None:
    """After Ctrl-C the outcome has what the store has."""
    path = tmp_path / "clicks.db"
    async with Simulator(plan="business", today=TODAY, timezone="UTC", latency=(0.001, 0.001)) as server:
        done = asyncio.Event()

        def listen(event: Event) -> None:
            if isinstance(event, Progress) and event.done:
                done.set()

        task = asyncio.create_task(fill(server, path, DAYS, listen))
        await done.wait()
        task.cancel()
        outcome = await task
    assert outcome.interrupted
    assert 1 <= outcome.fetched < len(DAYS)


async def test_an_error_that_ends_the_second_run_is_in_the_outcome(tmp_path: Path) -> None:
    """A rejected key ends it; failed days have their errors."""
    refused = Script(Rule(Status(401)))
    async with Simulator(plan="business", today=TODAY, timezone="UTC", faults=refused) as server:
        outcome = await fill(server, tmp_path / "a.db", DAYS, print)
    assert (type(outcome.ended_by).__name__, outcome.fetched) == ("AuthenticationError", 0)
    failing = Script(Rule(Status(501), day=DAYS[1]))
    async with Simulator(plan="business", today=TODAY, timezone="UTC", faults=failing) as server:
        outcome = await fill(server, tmp_path / "b.db", DAYS, print)
    assert (list(outcome.failures), outcome.fetched) == ([DAYS[1]], 4)
