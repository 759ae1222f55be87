"""The fast path: when it is taken, and that a server cannot tell it from a session."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import time
import warnings
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import aiohttp
import aioresponses
import pytest
from aiohttp.client_proto import ResponseHandler
from packaging.version import Version
from yarl import URL

from hourlyclicks import Client, Link
from hourlyclicks.errors import TransportError
from hourlyclicks.transport import idle
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.connections import Connections
from hourlyclicks.transport.deadlines import DeadlineTimer
from hourlyclicks.transport.direct import DirectSender, fast_path
from hourlyclicks.transport.protocol import Timeout
from tests.fetching.asking import KEY, LINK, ask, failure, held, kept_alive, pooled, request_to
from tests.transport.conftest import without_fast_path
from tests.transport.raw_server import EMPTY_DAY, OK, RawServer, Sign, answer
from tests.transport.tls import serving, trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


async def _has_fast_path() -> bool:
    timeout = aiohttp.ClientTimeout()
    async with aiohttp.ClientSession() as session:
        connections = Connections(DeadlineTimer(total=1))
        url = URL("http://localhost")
        return fast_path(session, url, connections=connections, timeout=timeout) is not None


@pytest.fixture
async def direct(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets of all requests that take the fast path; skips where a pre-release of aiohttp has none."""
    if Version(aiohttp.__version__).is_prerelease and not await _has_fast_path():
        pytest.skip(f"with aiohttp {aiohttp.__version__} there is no fast path")
    targets: list[str] = []
    get = DirectSender.get

    async def recorded(self: DirectSender, *given: Any) -> Any:  # noqa: ANN401 - passed through
        targets.append(given[0])
        return await get(self, *given)

    monkeypatch.setattr(DirectSender, "get", recorded)
    return targets


# -- when it is taken -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_a_session_of_the_client_takes_the_fast_path(
    direct: list[str], monkeypatch: pytest.MonkeyPatch, *, tls: bool
) -> None:
    """From the first request on, over one connection."""
    trust(monkeypatch)
    async with (
        RawServer(tls=serving() if tls else None) as server,
        Client(KEY, base_url=server.url) as client,
    ):
        await client.fetch("2025-04-01", "2025-04-05", LINK)
        assert len(server.requests) == len(direct) == 5


_INIT = aiohttp.ClientSession.__init__


def _initialized(**additions: Any) -> AbstractContextManager[object]:  # noqa: ANN401 - arguments of a session
    """Add arguments to those of each session, as instrumentations do."""

    def init(self: aiohttp.ClientSession, *given: Any, **named: Any) -> None:  # noqa: ANN401 - passed through
        _INIT(self, *given, **(named | additions))

    return patch.object(aiohttp.ClientSession, "__init__", init)


def _wrapped(owner: type, name: str) -> AbstractContextManager[object]:
    """Put a wrapper in the place of a method."""
    method = getattr(owner, name)

    def wrapper(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed through
        return method(*given, **named)

    return patch.object(owner, name, wrapper)


async def _middleware(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> Any:  # noqa: ANN401 - passed through
    return await handler(request)


def _subclass() -> AbstractContextManager[object]:
    """Put a subclass in the place of the session, as some test kits do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp discourages it

        class Session(aiohttp.ClientSession):
            pass

    return patch.object(aiohttp, "ClientSession", Session)


INTERCEPTED: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "ClientSession._request, as VCR.py": lambda: _wrapped(aiohttp.ClientSession, "_request"),
    "ClientSession.get": lambda: _wrapped(aiohttp.ClientSession, "get"),
    "ClientRequest.__init__": lambda: _wrapped(aiohttp.ClientRequest, "__init__"),
    "ClientRequest.update_headers": lambda: _wrapped(aiohttp.ClientRequest, "update_headers"),
    "ClientRequest.send": lambda: _wrapped(aiohttp.ClientRequest, "send"),
    "ClientResponse.start": lambda: _wrapped(aiohttp.ClientResponse, "start"),
    "StreamWriter.write_headers": lambda: _wrapped(aiohttp.http.StreamWriter, "write_headers"),
    "a subclass": _subclass,
    "a trace config, as OpenTelemetry": lambda: _initialized(trace_configs=[aiohttp.TraceConfig()]),
    "a middleware": lambda: _initialized(middlewares=[_middleware]),
    "a class of requests": lambda: _initialized(request_class=type("Own", (aiohttp.ClientRequest,), {})),
}


@pytest.mark.parametrize("what", INTERCEPTED)
async def test_what_others_intercept_passes_through_them(
    what: str, direct: list[str], server: RawServer, transport: AiohttpTransport
) -> None:
    """A method of aiohttp that is replaced before the first request is called for each request."""
    with INTERCEPTED[what]():
        assert [(await ask(transport, server)).body for _ in range(2)] == [EMPTY_DAY] * 2
    assert (len(server.requests), len(direct)) == (2, 0)


async def test_mocks_come_and_go(direct: list[str], server: RawServer, transport: AiohttpTransport) -> None:
    """Requests within aioresponses reach the mock alone, those before and after it the server."""
    await ask(transport, server)
    with aioresponses.aioresponses() as mocked:
        mocked.get(request_to(server.url).url, exception=aiohttp.ServerDisconnectedError())
        await failure(transport, server.url)
    await ask(transport, server)
    assert (len(server.requests), len(direct), server.connections) == (2, 2, 1)


async def test_a_session_of_the_user_has_no_fast_path(direct: list[str], server: RawServer) -> None:
    """Its settings hold for each request: middlewares, cookies, traces, a class of its own."""
    async with aiohttp.ClientSession() as session:
        await ask(AiohttpTransport(session, timeout=Timeout()), server)
    assert (len(server.requests), direct) == (1, [])


async def test_a_proxy_has_no_fast_path(direct: list[str]) -> None:
    """Behind a proxy a session sends, which opens the tunnel."""
    async with RawServer([answer(b"", status="403 Forbidden")]) as proxy:
        transport = AiohttpTransport(timeout=Timeout(), proxy=proxy.url)
        await failure(transport, "https://clicks.example")
        await transport.close()
        assert (proxy.targets, direct) == (["clicks.example:443"], [])


async def test_an_instrumented_connector_is_asked_each_time(
    direct: list[str], server: RawServer, transport: AiohttpTransport
) -> None:
    """A connector that is instrumented later is called for each request, by the session."""
    await ask(transport, server)
    with patch.object(
        aiohttp.TCPConnector, "connect", autospec=True, side_effect=aiohttp.TCPConnector.connect
    ) as connect:
        await ask(transport, server)
        await ask(transport, server)
    assert (connect.call_count, len(direct), len(server.requests)) == (2, 1, 3)


async def test_another_origin_has_no_fast_path(
    direct: list[str], server: RawServer, transport: AiohttpTransport
) -> None:
    """A request to another origin than that of the first one does not end up there."""
    await ask(transport, server)
    async with RawServer() as other:
        await transport.send(request_to(other.url))
        assert (len(server.requests), len(other.requests), len(direct)) == (1, 1, 1)


class _Silent(ResponseHandler):
    """A protocol that parses nothing."""

    def data_received(self, data: bytes) -> None:
        """Drop the data."""


def _other_aiohttp(what: str) -> AbstractContextManager[object]:
    """Change something in aiohttp that the fast path relies on."""
    match what:
        case "no such parameters":
            return patch.object(ResponseHandler, "set_response_params", lambda _self: None)
        case "another request":
            return patch.object(aiohttp, "ClientRequest", lambda *_given: None)
        case "a parser that finds nothing":
            return patch.object(ResponseHandler, "data_received", _Silent.data_received)
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize("what", ["no such parameters", "another request", "a parser that finds nothing"])
async def test_another_aiohttp_has_no_fast_path(what: str, server: RawServer) -> None:
    """Where the rehearsal fails, the session is as it would be without, and sends."""
    async with aiohttp.ClientSession() as session:
        connector = session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        factory = connector._factory
        with _other_aiohttp(what):
            transport = AiohttpTransport(timeout=Timeout())
            found = fast_path(
                session,
                request_to(server.url).url,
                connections=transport._connections,
                timeout=transport._timeout,
            )
        assert found is None
        assert connector._factory is factory


# -- what it sends, and what comes back -----------------------------------------------------------------


@pytest.mark.parametrize("user_agent", [None, "shop/1.0"])
async def test_both_ways_send_the_same_bytes(
    user_agent: str | None, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to the order of the headers."""
    for fast in (True, False):
        if not fast:
            without_fast_path(monkeypatch)
        async with Client(KEY, base_url=server.url, user_agent=user_agent) as client:
            await client.fetch("2025-04-01", "2025-04-03", LINK)
            await client.fetch("2025-04-01", "2025-04-02", Link("한글 &=+%", "https://vvd.bz"))
    sent = server.requests
    assert len(sent) == 10
    assert sorted(sent[:5]) == sorted(sent[5:])


async def test_an_answer_on_an_idle_connection_is_dropped(
    way: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """What arrives while no request is under way is not taken for the answer to the next one."""
    server.then([OK, Sign.PAUSE, answer(b"unasked")])
    await ask(transport, server)
    while not any(map(len, pooled(transport))):  # noqa: ASYNC110 - aiohttp has no event for it
        await asyncio.sleep(0)
    if way == "session":  # which finds it only when the request has been sent
        error = await failure(transport, server.url)
        assert isinstance(error, TransportError)
        assert (error.kind, error.retryable) == ("protocol", True)
    assert (await ask(transport, server)).body == EMPTY_DAY
    assert (server.connections, held(transport)) == (2, 0)


@pytest.mark.parametrize("length", [1, 9, 15, 20])
async def test_a_part_of_an_answer_is_not_joined_to_the_next_one(
    length: int, direct: list[str], server: RawServer, transport: AiohttpTransport
) -> None:
    """What follows an answer, or arrives later, and is not a whole answer yet, costs the connection."""
    unasked = answer(b"unasked")
    server.then([OK + unasked[:length]], [OK, Sign.PAUSE, unasked[:length]])
    with patch.object(
        ResponseHandler, "data_received", autospec=True, side_effect=ResponseHandler.data_received
    ) as received:
        await ask(transport, server)
        await ask(transport, server)
        already = received.call_count
        while received.call_count == already:  # noqa: ASYNC110 - aiohttp has no event for it
            await asyncio.sleep(0)
    assert (await ask(transport, server)).body == EMPTY_DAY
    assert (server.connections, len(direct), held(transport)) == (3, 3, 0)


async def test_an_idle_connection_gets_into_the_pool(
    direct: list[str], server: RawServer, transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there after a moment, so that its time limit holds, and can still be used."""
    monkeypatch.setattr(idle, "_LONGEST", 0.0)
    for _ in range(3):
        await ask(transport, server)
        assert transport._session is not None
        assert transport._session.connector is not None
        while transport._session.connector._acquired:  # noqa: ASYNC110 - aiohttp has no event for it
            await asyncio.sleep(0)
    assert (server.connections, len(direct), kept_alive(transport)) == (1, 3, 1)


async def test_a_connection_waits_for_the_next_request(
    direct: list[str], server: RawServer, transport: AiohttpTransport
) -> None:
    """It is not taken from the pool again, nor does it get a new parser, unless its answer came in pieces."""
    with patch.object(
        ResponseHandler, "set_response_params", autospec=True, side_effect=ResponseHandler.set_response_params
    ) as renewed:
        for _ in range(3):
            await ask(transport, server)
        assert renewed.call_count == 2  # one of them in the rehearsal
        server.then([OK[:-1], Sign.PAUSE, OK[-1:]])
        await ask(transport, server)
        await ask(transport, server)
    assert (renewed.call_count, len(direct), server.connections) == (3, 5, 1)


async def test_a_server_that_speaks_first_is_not_believed(
    direct: list[str], server: RawServer, transport: AiohttpTransport
) -> None:
    """What has arrived on a new connection, as at the end of a TLS handshake, is no answer."""
    create, greetings = aiohttp.TCPConnector._create_connection, [OK]

    async def greeted(self: Any, *given: Any) -> Any:  # noqa: ANN401 - passed through
        peer = await create(self, *given)
        if greetings:
            peer.data_received(greetings.pop())
        return peer

    with patch.object(aiohttp.TCPConnector, "_create_connection", greeted):
        error = await failure(transport, server.url)
        assert isinstance(error, TransportError)
        assert (error.kind, error.retryable) == ("protocol", True)
        assert (await ask(transport, server)).body == EMPTY_DAY
    assert (len(direct), len(server.requests), held(transport)) == (2, 1, 0)


@pytest.mark.usefixtures("way")
async def test_a_status_below_100_is_an_answer(server: RawServer, transport: AiohttpTransport) -> None:
    """It is no interim response, after which another one would follow."""
    server.then([answer(EMPTY_DAY, status="099 Odd")])
    assert (await ask(transport, server)).status == 99


@pytest.mark.usefixtures("way")
async def test_a_half_closed_connection_is_not_used_again(
    server: RawServer, transport: AiohttpTransport
) -> None:
    """A server that announces the end of a connection gets the next request on another one."""
    server.then([answer(EMPTY_DAY, "Connection: close"), Sign.CLOSE])
    await ask(transport, server)
    await ask(transport, server)
    assert (len(server.requests), server.connections, kept_alive(transport)) == (2, 2, 1)


@pytest.mark.usefixtures("way")
async def test_a_cancelled_request_frees_its_connection(
    server: RawServer, transport: AiohttpTransport
) -> None:
    """A caller that leaves while the answer is awaited leaves no connection behind."""
    server.then([Sign.HANG])
    task = asyncio.ensure_future(ask(transport, server))
    await server.arrivals(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert held(transport) == 0
    await server.deserted()


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
@pytest.mark.parametrize("fast", [True, False])
async def test_ipv6(monkeypatch: pytest.MonkeyPatch, *, fast: bool) -> None:
    """An address in brackets is one like any other, in the header Host, too."""
    if not fast:
        without_fast_path(monkeypatch)
    try:
        server = RawServer(host="::1")
        await server.__aenter__()
    except OSError:
        pytest.skip("there is no IPv6 loopback device here")
    transport = AiohttpTransport(timeout=Timeout())
    await transport.send(request_to(server.url))
    assert server.header("Host") == f"[::1]:{server.port}"
    await transport.close()
    await server.__aexit__(None, None, None)


async def test_a_unix_socket(tmp_path: Path) -> None:
    """By a session whose connector knows the way, as to a sidecar that adds TLS."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        writer.close()

    path = str(tmp_path / "socket")
    async with await asyncio.start_unix_server(serve, path):
        connector = aiohttp.UnixConnector(path)
        async with aiohttp.ClientSession(connector=connector) as session:
            transport = AiohttpTransport(session, timeout=Timeout())
            assert (await transport.send(request_to("http://localhost"))).body == EMPTY_DAY
    assert len(requests) == 1


async def test_the_sender_does_not_show_the_key(server: RawServer, transport: AiohttpTransport) -> None:
    """Neither in what a debugger prints of it, nor in a pickle."""
    await ask(transport, server)
    sender = transport._direct
    assert sender is not None
    assert KEY not in repr(vars(sender))
    with pytest.raises(TypeError, match="API key"):
        pickle.dumps(sender._head)


async def test_the_key_is_in_no_frame(server: RawServer, transport: AiohttpTransport) -> None:
    """A failure shows the key in no local variable of the fast path, as debuggers print them."""
    server.then([Sign.RESET])
    with pytest.raises(TransportError) as caught:
        await ask(transport, server)
    traceback = caught.value.__traceback__
    shown = []
    while traceback is not None:
        shown += [repr(value) for value in traceback.tb_frame.f_locals.values()]
        traceback = traceback.tb_next
    assert shown
    assert not any(KEY in each for each in shown)


async def test_a_process_that_is_stopped_while_it_connects(
    direct: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it goes on after the time of the request, it does not send it: its slot may be another one's."""
    connect = DirectSender._connected

    async def stopped(self: DirectSender) -> Any:  # noqa: ANN401 - passed through
        peer = await connect(self)
        time.sleep(0.11)  # noqa: ASYNC251 - nothing of the process runs meanwhile
        return peer

    monkeypatch.setattr(DirectSender, "_connected", stopped)
    async with RawServer() as server:
        transport = AiohttpTransport(timeout=Timeout(total=0.1, connect=0.1, read=0.1))
        with pytest.raises(TransportError) as raised:
            await transport.send(request_to(server.url))
        assert raised.value.kind == "timeout"
        await asyncio.sleep(0.01)
        await transport.close()
        assert direct
        assert server.requests == []
