"""The time limits of a request, exact to the moment: real sockets, both ends on virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import TransportError
from hourlyclicks.simulator.clock import VirtualEventLoop, run_virtual
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.fetching.asking import ask, failure, held
from tests.transport.raw_server import EMPTY_DAY, OK, RawServer, Sign, answer, head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.connector import Connection

    from hourlyclicks.model.http import Response
    from hourlyclicks.simulator.clock import VirtualClock
    from tests.transport.raw_server import Script

    Story = Callable[[AiohttpTransport, RawServer], Awaitable[None]]

pytestmark = pytest.mark.usefixtures("way")

SLOW_DOWN = answer(b"no", status="500 Oops", length=9)
BIT = 0.02
"""Seconds that `Sign.PAUSE` takes."""


def play(story: Story, *scripts: Script, timeout: Timeout, given: bool = False) -> float:
    """Run a scenario and return how many seconds it took.

    Args:
        story: what happens.
        scripts: how the server answers.
        timeout: the limits.
        given: whether the transport has a session of the user.
    """

    async def main(clock: VirtualClock) -> float:
        async with RawServer(*scripts) as server, aiohttp.ClientSession() as session:
            transport = AiohttpTransport(session if given else None, timeout=timeout)
            await story(transport, server)
            seconds = clock.monotonic() / SECOND
            if transport._session is not None:  # the story has not closed it
                assert held(transport) == 0
            await transport.close()
        return seconds

    return run_virtual(main)


async def times_out_at(transport: AiohttpTransport, server: RawServer) -> None:
    """Send a request that must time out; return when."""
    error = await failure(transport, server.url)
    assert isinstance(error, TransportError)
    assert (error.kind, str(error)) == ("timeout", "127.0.0.1 took too long to answer")


def connecting_takes(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make connecting take so long."""
    connect = aiohttp.TCPConnector.connect

    async def slowly(connector: aiohttp.TCPConnector, *args: Any, **kwargs: Any) -> Connection:  # noqa: ANN401 - passed through
        await asyncio.sleep(seconds)
        return await connect(connector, *args, **kwargs)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slowly)


PIECES: Script = [Sign.PAUSE, head("HTTP/1.1 200 OK", f"Content-Length: {len(EMPTY_DAY)}")]
for byte in EMPTY_DAY[:-1]:
    PIECES += [Sign.PAUSE, bytes([byte])]
WAIT = BIT * len(EMPTY_DAY)
"""Seconds until the last byte but one is there."""

SILENT: dict[str, tuple[Script, float]] = {
    "at once": ([Sign.HANG], 0.0),
    "amid the headers": ([b"HTTP/1.1 200 OK\r\n", Sign.HANG], 0.0),
    "after the headers": ([Sign.PAUSE, answer(b"", length=9), Sign.HANG], BIT),
    "amid the body": ([Sign.PAUSE, answer(b"", length=9), Sign.PAUSE, b"[", Sign.HANG], 2 * BIT),
    "before the last byte": ([*PIECES, Sign.HANG], WAIT),
}


@pytest.mark.parametrize("where", SILENT)
def test_silence_counts_from_the_last_piece(where: str) -> None:
    """The limit on silence counts from the last bytes that were read."""
    script, heard = SILENT[where]
    assert play(times_out_at, script, timeout=Timeout(read=5)) == pytest.approx(heard + 5, abs=1e-6)


@pytest.mark.parametrize("where", SILENT)
def test_the_total_limit_holds(where: str) -> None:
    """Despite any activity, a request ends at the total limit."""
    script, _ = SILENT[where]
    assert play(times_out_at, script, timeout=Timeout(total=7)) == 7


def test_a_slow_answer_is_not_silent() -> None:
    """A body whose pieces arrive often enough may take longer than the limit on silence."""

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        assert (await ask(transport, server)).body == EMPTY_DAY

    script = [*PIECES, Sign.PAUSE, EMPTY_DAY[-1:]]
    assert play(story, script, timeout=Timeout(read=1.5 * BIT)) == pytest.approx(WAIT + BIT, abs=1e-6)


def test_connecting_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit on silence begins with the connection."""

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        assert (await ask(transport, server)).body == EMPTY_DAY

    connecting_takes(7, monkeypatch)
    assert play(story, timeout=Timeout(read=5)) == 7


def test_silence_after_a_slow_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts slowly has the full limit from the connection on."""
    connecting_takes(3, monkeypatch)
    assert play(times_out_at, [Sign.HANG], timeout=Timeout(read=5)) == 3 + 5


LIMITS = {"on everything": Timeout(total=3), "on silence": Timeout(read=3)}


@pytest.mark.parametrize("limit", LIMITS)
def test_an_error_status_whose_body_hangs_counts(limit: str) -> None:
    """An error status counts when the time is up, with what there was of its body."""
    found: list[Response] = []

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        found.append(await ask(transport, server))

    assert play(story, [SLOW_DOWN, Sign.HANG], timeout=LIMITS[limit]) == 3
    assert [(response.status, response.body) for response in found] == [(500, b"no")]


def test_an_error_body_that_is_slow_is_not_silent() -> None:
    """The limit on silence restarts with each piece of an error body, too."""
    found: list[Response] = []

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        found.append(await ask(transport, server))

    slowly: Script = [Sign.PAUSE, b"n"]
    script = [answer(b"", status="500 Oops", length=9), *slowly * 8, Sign.HANG]
    taken = play(story, script, timeout=Timeout(read=1.5 * BIT))
    assert taken == pytest.approx((8 + 1.5) * BIT, abs=1e-6)
    assert [response.body for response in found] == [8 * b"n"]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("script", [[Sign.HANG], [answer(b"[", length=9), Sign.HANG]], ids=["head", "body"])
def test_a_session_of_the_user_has_the_limits_too(limit: str, script: Script) -> None:
    """Both limits hold with a given session, although its connections report no activity."""
    assert play(times_out_at, script, timeout=LIMITS[limit], given=True) == 3


def test_requests_at_a_time_have_their_own_limits() -> None:
    """Of several requests on one transport each ends at its own moment."""
    ends: list[float] = []

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        async def later(seconds: float) -> None:
            await asyncio.sleep(seconds)
            await times_out_at(transport, server)
            ends.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(later(seconds) for seconds in (0, 1, 2.5)))

    play(story, [Sign.HANG], [Sign.HANG], [Sign.HANG], timeout=Timeout(read=5))
    assert ends == [5, 6, 7.5]


def test_a_cancellation_at_the_limit_is_one() -> None:
    """A request that is cancelled at the moment of its limit is cancelled, and leaves no connection."""

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        task = asyncio.create_task(ask(transport, server))
        await server.arrivals(1)
        asyncio.get_running_loop().call_at(5, task.cancel)
        await asyncio.wait([task])
        assert task.cancelled()
        await server.deserted()

    assert play(story, [Sign.HANG], timeout=Timeout(read=5)) == 5


@pytest.mark.parametrize("given", [False, True])
def test_a_task_goes_on_after_its_requests(*, given: bool) -> None:
    """A task is not disturbed when the limits of its earlier requests would have ended."""

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        assert (await ask(transport, server)).status == 200
        assert (await ask(transport, server)).status == 500
        await failure(transport, server.url)
        await asyncio.sleep(1000)

    scripts: list[Script] = [[OK], [answer(b"no", status="500 Oops")], [Sign.CLOSE]]
    assert play(story, *scripts, timeout=Timeout(), given=given) == 1000


def test_a_closed_transport_leaves_no_timer() -> None:
    """After a close no timer is left in the loop, which continues."""

    async def story(transport: AiohttpTransport, server: RawServer) -> None:
        await ask(transport, server)
        await transport.close()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualEventLoop)
        assert loop._timers.earliest() is None

    assert play(story, timeout=Timeout()) == 0
