"""How a client is closed, from where, and what is left then."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, Limits, UsageError
from hourlyclicks.client.lifetime import Lifetime
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import KEY, LINK

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.model.http import Request, Response


class Slow:
    """A close that lasts until it may end."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.lost: list[bool] = []
        self.let = asyncio.Event()

    async def __call__(self, *, lost: bool = False, grace: float | None = None) -> None:
        """Close."""
        del grace
        self.begun += 1
        self.lost.append(lost)
        await self.let.wait()
        self.ended += 1


class Never:
    """A transport that never answers."""

    def __init__(self) -> None:
        self.sent = 0
        self.two = asyncio.Event()
        self.closed = 0

    async def send(self, _request: Request) -> Response:
        """Wait forever."""
        self.sent += 1
        if self.sent == 2:
            self.two.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        """Count the calls."""
        self.closed += 1


async def test_all_callers_wait_for_one_close() -> None:
    """A second call returns when the first has finished, and not before."""
    slow = Slow()
    life = Lifetime(slow)
    life.check()
    callers = [asyncio.create_task(life.close()) for _ in range(3)]
    await asyncio.wait(callers, timeout=0.01)
    assert not any(caller.done() for caller in callers)
    slow.let.set()
    await asyncio.gather(*callers)
    assert (slow.begun, slow.ended) == (1, 1)


async def test_a_close_goes_on_without_its_caller() -> None:
    """When its caller is cancelled, it continues; the next caller waits for it."""
    slow = Slow()
    life = Lifetime(slow)
    life.check()
    caller = asyncio.create_task(life.close())
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    with pytest.raises(UsageError, match="closed"):
        life.check()
    slow.let.set()
    await life.close()
    assert (slow.begun, slow.ended) == (1, 1)


def test_an_interrupted_close_ends_in_the_next_event_loop() -> None:
    """If the event loop ends during a close, the next one closes what is left."""
    slow = Slow()
    life = Lifetime(slow)

    async def begin() -> None:
        life.check()
        closing = asyncio.create_task(life.close())
        await asyncio.sleep(0)
        closing.cancel()

    asyncio.run(begin())
    slow.let = asyncio.Event()
    slow.let.set()
    asyncio.run(life.close())
    assert (slow.lost, slow.ended) == ([False, True], 1)


async def test_another_thread_closes_where_the_client_lives() -> None:
    """While the event loop of a client runs, a close from another thread runs there."""
    slow = Slow()
    slow.let.set()
    life = Lifetime(slow)
    life.check()
    await asyncio.to_thread(asyncio.run, life.close())
    assert (slow.lost, slow.ended) == ([False], 1)


def close_after_the_loop(path: Path) -> None:
    """Close a client whose event loop has ended in the middle of a fetch."""
    transport = Never()
    client = Client(KEY, transport=transport, limits=Limits(concurrency=2), store=path)

    async def part() -> None:
        fetch = asyncio.create_task(client.fetch("2024-03-01", "2024-03-31", LINK))
        await transport.two.wait()
        assert not fetch.done()

    asyncio.run(part())
    asyncio.run(asyncio.wait_for(client.close(), 30))
    asyncio.run(asyncio.wait_for(client.close(), 30))


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the tasks of a loop that is over
def test_a_client_is_closed_after_its_event_loop_has_ended(tmp_path: Path) -> None:
    """Nothing of the ended loop is waited for; the file is closed and its thread ended."""
    close_after_the_loop(tmp_path / "clicks.db")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hourlyclicks-store")]
    gc.collect()  # so that Python complains about the tasks here, and not in a later test


async def test_a_given_transport_is_not_closed() -> None:
    """It belongs to the caller, like a session."""
    transport = Never()
    async with Client(KEY, transport=transport):
        pass
    assert transport.closed == 0


async def test_a_store_is_closed_once_and_completely(tmp_path: Path) -> None:
    """All callers of its close wait for it, also when the first of them is cancelled."""
    store = SqliteStore(tmp_path / "clicks.db")
    await store.open()
    callers = [asyncio.create_task(store.close()) for _ in range(2)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await callers[1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hourlyclicks-store")]
    await asyncio.gather(*callers, return_exceptions=True)
