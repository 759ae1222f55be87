"""Bodies on real sockets: compressed, cut, too large, or irrelevant beside the status."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from hourlyclicks.errors import DecodeError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.transport.translate import LARGEST_BODY
from tests.fetching.asking import ask, failure, held, kept_alive
from tests.transport.raw_server import EMPTY_DAY, OK, Sign, answer, head

if TYPE_CHECKING:
    from tests.transport.raw_server import RawServer, Script

pytestmark = pytest.mark.usefixtures("way")

ZIPPED = gzip.compress(EMPTY_DAY)
CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
UNSIZED = head("HTTP/1.1 200 OK")

CUT: dict[str, tuple[Script, bytes]] = {
    "a body of unknown length, cut": ([UNSIZED + EMPTY_DAY[:9], Sign.CLOSE], EMPTY_DAY[:9]),
    "the same, reset": ([UNSIZED + EMPTY_DAY[:9], Sign.RESET], EMPTY_DAY[:9]),
    "gzip without its trailer": ([answer(ZIPPED[:-8], "Content-Encoding: gzip")], EMPTY_DAY),
    "nothing at all": ([answer(b"")], b""),
}


@pytest.mark.parametrize("what", CUT)
async def test_what_looks_complete_is_handed_on(
    what: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """A cut that HTTP cannot show is left to the decoder."""
    script, expected = CUT[what]
    server.then(script)
    assert (await ask(transport, server)).body == expected


WHOLE: dict[str, Script] = {
    "sized": [OK],
    "chunked": [CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(EMPTY_DAY), EMPTY_DAY)],
    "until the end": [UNSIZED + EMPTY_DAY, Sign.CLOSE],
    "HTTP/1.0": [head("HTTP/1.0 200 OK") + EMPTY_DAY, Sign.CLOSE],
    "gzip": [answer(ZIPPED, "Content-Encoding: gzip")],
    "deflate": [answer(zlib.compress(EMPTY_DAY), "Content-Encoding: deflate")],
    "after 100 Continue": [head("HTTP/1.1 100 Continue"), OK],
    "after 103 Early Hints": [head("HTTP/1.1 103 Early Hints", "Link: </a>"), OK],
    "byte by byte": [bytes([byte]) for byte in OK],
    "with a strange type": [answer(EMPTY_DAY, "Content-Type: \x7f;;;charset=")],
    "with strange header bytes": [answer(EMPTY_DAY, "X-A: \xff\xfe")],
}


@pytest.mark.parametrize("how", WHOLE)
async def test_a_whole_answer_arrives(how: str, server: RawServer, transport: AiohttpTransport) -> None:
    """However a body is sent and compressed, its bytes arrive."""
    server.then(WHOLE[how])
    response = await ask(transport, server)
    assert (response.status, response.body) == (200, EMPTY_DAY)
    assert held(transport) == 0


async def test_a_second_answer_is_not_used(server: RawServer, transport: AiohttpTransport) -> None:
    """A second answer to the same request is not taken for the answer to the next."""
    server.then([OK + answer(b"stale")])
    await ask(transport, server)
    assert (await ask(transport, server)).body == EMPTY_DAY
    assert server.connections == 2


@pytest.mark.parametrize("pack", [lambda body: body, gzip.compress], ids=["plain", "gzip"])
async def test_a_body_may_be_as_large_as_a_mebibyte(
    pack: Any,  # noqa: ANN401 - a function of bytes
    server: RawServer,
    transport: AiohttpTransport,
) -> None:
    """The largest body is read, and one more byte is a final error."""
    packing = ["Content-Encoding: gzip"] if pack is gzip.compress else []
    server.then(
        [answer(pack(bytes(LARGEST_BODY)), *packing)], [answer(pack(bytes(LARGEST_BODY + 1)), *packing)]
    )
    assert len((await ask(transport, server)).body) == LARGEST_BODY
    error = await failure(transport, server.url)
    assert isinstance(error, DecodeError)
    assert (error.retryable, error.fatal) == (False, False)
    assert held(transport) == 0


@cache
def bomb(members: int) -> bytes:
    """Return 32 MiB of zeros, compressed in some parts."""
    return gzip.compress(bytes((32 << 20) // members)) * members


@pytest.mark.parametrize("members", [1, 32])
@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized"])
async def test_a_bomb_is_not_unpacked(
    members: int, status: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """Of a small body that decompresses to a huge one, only a little is ever in memory."""
    server.then([answer(bomb(members), "Content-Encoding: gzip", status=status)])
    tracemalloc.start()
    try:
        with contextlib.suppress(DecodeError):
            await ask(transport, server)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    assert held(transport) == 0
    await server.deserted()


def error_answers(status: int) -> dict[str, Script]:
    """Return error answers whose bodies are broken in every way."""
    no = f"{status} No"
    return {
        "cut": [answer(b"no", status=no, length=9), Sign.CLOSE],
        "reset": [answer(b"no", status=no, length=9), Sign.RESET],
        "spoiled": [answer(EMPTY_DAY, "Content-Encoding: gzip", status=no)],
        "too large": [answer(bytes(LARGEST_BODY + 1), status=no)],
    }


@pytest.mark.parametrize("status", [302, 401, 429, 503])
@pytest.mark.parametrize("how", error_answers(0))
async def test_an_error_status_counts_whatever_its_body(
    how: str, status: int, server: RawServer, transport: AiohttpTransport
) -> None:
    """An error status with a broken body is neither a connection error nor too large an answer."""
    server.then(error_answers(status)[how])
    assert (await ask(transport, server)).status == status
    assert held(transport) == 0


async def test_an_error_status_counts_without_its_body(server: RawServer) -> None:
    """An error status whose body hangs counts when the time is up."""
    server.then([answer(b"no", status="429 Slow down", length=9), Sign.HANG])
    transport = AiohttpTransport(timeout=Timeout(read=0.2))
    response = await ask(transport, server)
    assert (response.status, response.body) == (429, b"no")
    await server.deserted()
    await transport.close()


async def test_the_beginning_of_an_error_body_is_kept(server: RawServer, transport: AiohttpTransport) -> None:
    """What can be read of the body of an error is there for the message."""
    server.then([answer(b"no such key", status="401 Unauthorized", length=99), Sign.CLOSE])
    assert (await ask(transport, server)).body == b"no such key"


# -- what becomes of the connection ---------------------------------------------------------------------

READ: dict[str, Script] = {
    "an answer": [OK],
    "an answer of no length": [CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(EMPTY_DAY), EMPTY_DAY)],
    "an answer in pieces": [OK[:-7], Sign.PAUSE, OK[-7:]],
    "an answer in gzip": [answer(ZIPPED, "Content-Encoding: gzip")],
    "nothing": [head("HTTP/1.1 204 No Content")],
    "a large answer": [answer(bytes(LARGEST_BODY))],
    "a no": [answer(b"no", status="404 Not Found")],
    "a no without a body": [answer(b"", status="429 Slow down")],
}
LEFT: dict[str, Script] = {
    "too large an answer": [answer(bytes(4 * LARGEST_BODY))],
    "a large no": [answer(bytes(1 << 18), status="500 Oops")],
}


@pytest.mark.parametrize("what", READ)
async def test_a_connection_whose_answer_was_read_is_used_again(
    what: str, server: RawServer, transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that was read to its end leaves its connection in the pool."""
    released: list[aiohttp.ClientResponse] = []
    monkeypatch.setattr(aiohttp.ClientResponse, "release", released.append)
    server.then(READ[what])
    await ask(transport, server)
    assert (held(transport), kept_alive(transport)) == (0, 1)
    assert released == []
    assert (await ask(transport, server)).body == EMPTY_DAY
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize("what", LEFT)
async def test_a_connection_whose_answer_was_not_read_is_not_used_again(
    what: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """Its connection is closed, since the rest of a body is no answer to the next request."""
    server.then(LEFT[what])
    with contextlib.suppress(DecodeError):
        await ask(transport, server)
    assert (held(transport), kept_alive(transport)) == (0, 0)
    assert (await ask(transport, server)).body == EMPTY_DAY
    assert (len(server.requests), server.connections) == (2, 2)
