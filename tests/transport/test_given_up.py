"""An abandoned request may still arrive: real sockets, both ends on virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from hourlyclicks import Client, Limits, Rate, RetryPolicy, Timeout
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import HourlyClicksError, TransportError
from hourlyclicks.simulator.clock import run_virtual
from tests.fetching.asking import KEY, LINK, crowded, needs_linux, slots_in_use
from tests.transport.raw_server import OK, RawServer, Sign, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from hourlyclicks.simulator.clock import VirtualClock

    Story = Callable[["Scene"], Awaitable[None]]

pytestmark = pytest.mark.usefixtures("way")

TOTAL = 5.0
HANGS = [Sign.HANG]


class Timed(RawServer):
    """A server that records when requests arrive.

    Attributes:
        times: when, in seconds.
    """

    def __init__(self, clock: VirtualClock, *scripts: Any) -> None:  # noqa: ANN401 - as the base has it
        super().__init__(*scripts)
        self.times: list[float] = []
        self._clock = clock

    async def arrivals(self, count: int) -> None:
        """Wait for that many requests."""
        while len(self.requests) < count:  # noqa: ASYNC110 - a limit on waiting would move the clock
            await asyncio.sleep(0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read = reader.readuntil

        async def readuntil(separator: Any) -> bytes:  # noqa: ANN401 - as the reader has it
            found: bytes = await read(separator)
            self.times.append(self._clock.monotonic() / SECOND)
            return found

        reader.readuntil = readuntil  # type: ignore[assignment]  # to stand by as it reads
        await super()._talk(reader, writer)


class Scene:
    """A server, and the settings of its clients."""

    def __init__(self, clock: VirtualClock, server: Timed) -> None:
        self.clock = clock
        self.server = server

    @property
    def now(self) -> float:
        """The present moment in seconds."""
        return self.clock.monotonic() / SECOND

    @asynccontextmanager
    async def client(self, **given: Any) -> AsyncIterator[Client]:  # noqa: ANN401 - the options of a client
        """Create a client that sends one request at a time with a limit of 5 s."""
        options: dict[str, Any] = {
            "base_url": self.server.url,
            "limits": Limits(concurrency=1),
            "retry": RetryPolicy(attempts=2, base=0),
            "timeout": Timeout(total=TOTAL),
        } | given
        async with Client(KEY, clock=self.clock, **options) as client:
            yield client

    async def cancelled_after(self, seconds: float, client: Client, day: str = "2025-04-01") -> None:
        """Request a day and cancel that after so many seconds."""
        task = asyncio.create_task(client.day(day, LINK))
        await self.server.arrivals(len(self.server.requests) + 1)
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def play(story: Story, *scripts: Any) -> list[float]:  # noqa: ANN401 - as the server has it
    """Run a scenario and return when requests arrived."""

    async def main(clock: VirtualClock) -> list[float]:
        async with Timed(clock, *scripts) as server:
            await story(Scene(clock, server))
        return server.times

    return run_virtual(main)


@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
def test_a_timeout_holds_the_slot_as_long_again(*, given: bool) -> None:
    """After a timeout the slot is held for as long again as a request may take; only the next one waits."""

    async def story(scene: Scene) -> None:
        async with aiohttp.ClientSession() as session:
            options: dict[str, Any] = {"session": session} if given else {}
            async with scene.client(**options) as client:
                await client.day("2025-04-01", LINK)
                assert slots_in_use(client) == 0

    assert play(story, HANGS) == [0, 2 * TOTAL]


def test_a_cancelled_request_holds_its_slot_until_its_time_is_over() -> None:
    """The cancelled task ends at once; the slot is held for as long as the request might have taken."""

    async def story(scene: Scene) -> None:
        async with scene.client() as client:
            await scene.cancelled_after(1, client)
            assert scene.now == 1
            await scene.server.deserted()
            await client.day("2025-04-02", LINK)

    assert play(story, HANGS) == [0, TOTAL]


def test_the_window_counts_from_the_end_of_that() -> None:
    """With one request in 10 s, the next one is sent 10 s after the last can have arrived."""

    async def story(scene: Scene) -> None:
        limits = Limits(rates=(Rate(1, 10),), concurrency=3, guard=0)
        async with scene.client(limits=limits) as client:
            await client.day("2025-04-01", LINK)

    assert play(story, HANGS) == [0, 2 * TOTAL + 10]


def test_closing_waits_for_none_of_that() -> None:
    """A client is closed at once, whatever may still arrive."""

    async def story(scene: Scene) -> None:
        async with scene.client() as client:
            await scene.cancelled_after(1, client)
        assert scene.now == 1

    play(story, HANGS)


KNOWN = {
    "a body that hangs": [answer(b"[", length=9), Sign.HANG],
    "a no that hangs": [answer(b"no", length=9, status="500 Oops"), Sign.HANG],
}


@pytest.mark.parametrize("what", KNOWN)
def test_a_request_that_has_arrived_holds_no_slot(what: str) -> None:
    """A request whose answer had begun when it was abandoned has arrived."""

    async def story(scene: Scene) -> None:
        async with scene.client() as client:
            await client.day("2025-04-01", LINK)

    assert play(story, KNOWN[what]) == [0, TOTAL]


@pytest.mark.parametrize("end", [Sign.CLOSE, Sign.RESET])
def test_a_connection_that_ended_holds_no_slot(end: Sign) -> None:
    """No request arrives by a connection that the server has closed."""

    async def story(scene: Scene) -> None:
        async with scene.client() as client:
            await client.day("2025-04-01", LINK)

    assert play(story, [end]) == [0, 0]


@needs_linux
def test_a_request_that_was_never_sent_holds_no_slot() -> None:
    """A request that never had a connection cannot arrive."""

    async def story(scene: Scene) -> None:
        with crowded() as url:
            policy, timeout = RetryPolicy(attempts=3, base=0), Timeout(total=TOTAL, connect=2)
            async with scene.client(base_url=url, retry=policy, timeout=timeout) as client:
                with pytest.raises(HourlyClicksError) as caught:
                    await client.day("2025-04-01", LINK)
        assert isinstance(caught.value, TransportError)
        assert (caught.value.kind, scene.now) == ("timeout", 6)

    assert play(story) == []


def test_processes_that_share_a_limit_hold_the_slot_too(tmp_path: Path) -> None:
    """A request whose caller has left goes on, and holds a slot for all clients of the store.

    It is given up after its 5 s, and the server may answer for 5 s more.
    """

    async def story(scene: Scene) -> None:
        store = tmp_path / "clicks.db"
        async with scene.client(store=store) as one, scene.client(store=store) as other:
            await scene.cancelled_after(1, one)
            await other.day("2025-04-02", LINK)
            with pytest.raises(TransportError):
                await one.day("2025-04-03", LINK)
            await other.day("2025-04-04", LINK)

    times = play(story, HANGS, [OK], HANGS, HANGS)
    assert times == pytest.approx([0, 10, 10, 20, 30], abs=0.2)


def test_the_connection_of_an_abandoned_request_is_reset() -> None:
    """The connection is reset, so that nothing is sent again on it."""
    ends: list[type[BaseException] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # which is no answer
        try:
            await reader.read()
            ends.append(None)
        except ConnectionResetError as error:
            ends.append(type(error))
        writer.transport.abort()

    async def main(clock: VirtualClock) -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for given in (False, True):
            async with aiohttp.ClientSession() as session:
                options: dict[str, Any] = {"session": session} if given else {}
                timeout, once = Timeout(total=TOTAL, read=2), RetryPolicy(attempts=1)
                client = Client(KEY, base_url=url, timeout=timeout, retry=once, clock=clock, **options)
                began = clock.monotonic()
                async with client:
                    with pytest.raises(TransportError, match="took too long"):
                        await client.day("2025-04-01", LINK)
                assert (clock.monotonic() - began) / SECOND == pytest.approx(2, abs=0.01)
        server.close()
        while len(ends) < 2:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)

    run_virtual(main)
    assert ends == [ConnectionResetError, ConnectionResetError]
