"""The whole client on a real socket: what arrives, how often, and what is not sent."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import aiohttp
import pytest

from hourlyclicks.client import Client
from hourlyclicks.errors import AuthenticationError, HourlyClicksError, TransportError, UsageError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.targets import Link
from hourlyclicks.model.zones import begins
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.transport.translate import LARGEST_BODY
from tests.fetching.asking import DAY, KEY, LINK, Dice, Unresolved, slots_in_use
from tests.transport.raw_server import EMPTY_DAY, OK, Sign, answer

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.transport.raw_server import RawServer, Script

pytestmark = pytest.mark.usefixtures("way")

ONE = Limits(concurrency=1)


def client_of(server: RawServer, **options: Any) -> Client:  # noqa: ANN401 - passed through
    """Return a client that never waits between attempts."""
    options.setdefault("limits", ONE)
    return Client(KEY, base_url=server.url, random=Dice(0.0), **options)


IDS = [
    "한글",
    "a/b",
    "a+b",
    "100%",
    "a&b=c",
    "#1",
    "a b",
    "?",
    "%2B",
    "..",
    "é",
    "e\u0301",
    "\U0001f600",
    "\n",
]


@pytest.mark.parametrize("id_", IDS, ids=ascii)
async def test_a_link_id_arrives_as_it_is(id_: str, server: RawServer) -> None:
    """The server decodes exactly the link id, from plain ASCII."""
    async with client_of(server) as client:
        await client.day(DAY, Link(id_, "https://vvd.bz"))
    path, _, query = server.targets[0].partition("?")
    assert path == "/api/statistics/v2/clicks-by-hour"
    assert parse_qs(query, strict_parsing=True) == {
        "ymd": ["2025-04-20"],
        "linkId": [id_],
        "domain": ["https://vvd.bz"],
    }
    assert "+" not in query


@pytest.mark.parametrize(
    "script", [[Sign.CLOSE], [Sign.RESET], [answer(b"", length=9), Sign.RESET]], ids=repr
)
async def test_an_attempt_is_a_request(script: Script, server: RawServer) -> None:
    """Three attempts are three requests on the wire, also where aiohttp would send again."""
    server.then(*[script] * 9)
    async with client_of(server, retry=RetryPolicy(attempts=3)) as client:
        with pytest.raises(TransportError):
            await client.day(DAY, LINK)
        assert len(server.requests) == 3
        server._scripts.clear()
        await client.day(DAY, LINK)


async def test_a_host_is_looked_up_twice_at_most() -> None:
    """A name that cannot be resolved is retried once."""
    resolver = Unresolved()
    options: dict[str, Any] = {"limits": ONE, "base_url": "https://clicks.invalid", "random": Dice(0.0)}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session,
        Client(KEY, session=session, **options) as client,
    ):
        with pytest.raises(TransportError, match=r"^cannot resolve clicks\.invalid$"):
            await client.day(DAY, LINK)
    assert resolver.asked == 2


@pytest.mark.parametrize("body", [b"{}", bytes(LARGEST_BODY + 1)], ids=["small", "large"])
async def test_a_bad_key_is_shown_once(body: bytes, server: RawServer) -> None:
    """A 401 costs one request for each slot, also with a huge body."""
    refused: Script = [answer(body, status="401 Unauthorized")]
    server.then(*[refused] * 40)
    async with client_of(server, limits=Limits(concurrency=2)) as client:
        with pytest.raises(AuthenticationError):
            await client.fetch("2025-04-01", "2025-04-30", LINK)
    assert len(server.requests) <= 2


async def test_a_429_whose_body_breaks_off_pauses(server: RawServer) -> None:
    """A 429 with a broken body begins a pause, and spends no attempt."""
    refused = answer(b"slow", "Retry-After: 901", status="429 Too Many Requests", length=9)
    server.then([refused, Sign.RESET])
    async with client_of(server) as client:
        with pytest.raises(HourlyClicksError, match="901"):
            await client.day(DAY, LINK)
    assert len(server.requests) == 1


async def test_a_session_that_is_closed_ends_the_run(server: RawServer) -> None:
    """When the user closes their session the run ends, instead of failing day by day."""
    async with aiohttp.ClientSession() as session, client_of(server, session=session) as client:
        await client.day(DAY, LINK)
        await session.close()
        with pytest.raises(UsageError, match="closed"):
            await client.fetch("2025-04-01", "2025-04-30", LINK)
    assert len(server.requests) == 1


async def test_a_slot_is_free_after_every_failure(server: RawServer) -> None:
    """With one slot, each request after a failure is sent."""
    broken: list[Script] = [
        [Sign.RESET],
        [answer(b"", length=9), Sign.CLOSE],
        [b"HTTP/1.1 what\r\n\r\n"],
        [answer(bytes(LARGEST_BODY + 1))],
        [answer(b"<html>", status="500 Oops")],
        [answer(b"no json")],
        [Sign.HANG],
    ]
    server.then(*broken)
    patience = Timeout(read=0.3)
    async with client_of(server, retry=RetryPolicy(attempts=1), timeout=patience) as client:
        for _ in broken:
            with pytest.raises(HourlyClicksError):
                await client.day(DAY, LINK)
            assert slots_in_use(client) == 0
        await server.deserted()
    async with client_of(server) as client:
        await client.day(DAY, LINK)
    assert len(server.requests) == len(broken) + 1


async def test_closing_the_client_ends_its_requests(server: RawServer) -> None:
    """Closing during a request ends it at once, and the error says why."""
    server.then([Sign.HANG])
    client = client_of(server)
    asking = asyncio.create_task(client.day(DAY, LINK))
    await server.arrivals(1)
    await client.close()
    with pytest.raises(UsageError, match="closed"):
        await asking
    await server.deserted()


async def test_a_dead_port_then_a_live_one(unused: int) -> None:
    """A client whose server starts late is answered."""
    client = Client(KEY, limits=ONE, base_url=f"http://127.0.0.1:{unused}", random=Dice(0.0))
    async with client:
        with pytest.raises(TransportError) as caught:
            await client.day(DAY, LINK)
        assert caught.value.kind == "connect"

        async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            writer.close()

        async with await asyncio.start_server(answer_once, "127.0.0.1", unused):
            await client.day(DAY, LINK)


@pytest.fixture
def unused() -> int:
    """A port without a listener."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


GATEWAY = [
    answer(b"404 page not found\n", status="404 Not Found"),
    answer(b"", "Location: /maintenance.html", status="302 Found"),
    answer(b"<html><h1>400 Bad Request</h1></html>", status="400 Bad Request"),
    answer(b"", status="405 Method Not Allowed"),
    answer(b"", "Proxy-Authenticate: Basic", status="407 Proxy Authentication Required"),
    answer(b"", status="425 Too Early"),
    answer(b'{"code":0,"message":"accepted","result":[]}', status="202 Accepted"),
    answer(b'{"code":503,"message":"maintenance"}'),
]


async def test_a_gateway_rejects_no_day(server: RawServer, path: Path) -> None:
    """An answer of a gateway is retried, and a cached answer is not final."""
    scripts: list[Script] = [[bad] for bad in GATEWAY]
    server.then(*scripts, [answer(EMPTY_DAY, "Age: 999999999")])
    async with client_of(server, store=path, retry=RetryPolicy(attempts=9)) as client:
        old = await client.day(DAY, LINK)
        assert len(server.requests) == 9
        assert (old.final, old.fetched_at) == (False, begins(DAY))
        assert (await client.day(DAY, LINK)).final
    assert len(server.requests) == 10
    assert server.header("Cache-Control") == "no-cache"
