"""Whether aiohttp is as the fast path expects it: its methods, its session, and how a connection behaves.

Nothing is taken from the number of a release. Methods are compared with those that aiohttp had when it was
imported, and a connection is rehearsed without a network: a request is written to a transport that records
it, and a protocol reads an answer.
"""

from __future__ import annotations

import asyncio
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import aiohttp
from aiohttp.http import StreamWriter

from hourlyclicks.transport.idle import is_amid_message

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

    from hourlyclicks.transport.connections import Connections

_T = TypeVar("_T")
_SAMPLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_Session, _Request, _Response = aiohttp.ClientSession, aiohttp.ClientRequest, aiohttp.ClientResponse


def _methods() -> tuple[object, ...]:
    """Return the methods that the fast path passes over, as they are at present."""
    return (
        _Session.get,
        _Session._request,  # noqa: SLF001 - only compared
        _Request.__init__,
        _Request.update_headers,
        _Request.send,
        _Response.__init__,
        _Response.start,
        StreamWriter.write_headers,
        aiohttp.TCPConnector.connect,
    )


_METHODS = _methods()
_ORIGINAL = all(
    type(each) is FunctionType and each.__globals__.get("__package__") == "aiohttp" for each in _METHODS
)


def is_original() -> bool:
    """Return whether the methods that the fast path passes over are aiohttp's own at present."""
    return _ORIGINAL and _methods() == _METHODS


def is_plain(session: aiohttp.ClientSession, connections: Connections) -> bool:
    """Return whether a session is as the transport has made it, and no instrumentation has added to it."""
    return (
        type(session) is _Session
        and not session.trace_configs
        and not session._middlewares  # noqa: SLF001 - it has no public name, as the next two
        and session._request_class is _Request  # noqa: SLF001 - see above
        and session._response_class is connections.response_class_of(_Response)  # noqa: SLF001 - see above
    )


def rehearse(model: aiohttp.ClientRequest, connector: aiohttp.BaseConnector, peer: ResponseHandler) -> bytes:
    """Let aiohttp write a request and read a response; return what it writes after the path.

    Raises:
        Exception: something is not as expected.
    """
    recorder = _Recorder()
    peer.connection_made(recorder)
    _complete(model.send(cast("Connection", SimpleNamespace(protocol=peer, _connector=connector))))
    before, _, head = recorder.written.partition(b"GET " + model.url.raw_path_qs.encode("ascii"))
    peer.set_response_params(read_until_eof=True)
    fields = [f"\r\n{name}: {value}\r\n".encode() for name, value in model.headers.items()]
    as_expected = _reads(peer) and _reads(peer) and not before and all(field in head for field in fields)
    _receive(peer, _SAMPLE[:1])
    if not as_expected or not is_amid_message(peer):
        raise NotImplementedError
    return head


def _reads(peer: ResponseHandler) -> bool:
    """Return whether a protocol reads a response as expected, and is ready for another one then."""
    _receive(peer, _SAMPLE)
    message, content = _complete(peer.read())
    read = message.code, dict(message.headers), content.is_eof(), content.read_nowait(), peer.should_close
    expected = (200, {"Content-Length": "2"}, True, b"{}", False)
    return read == expected and not len(peer) and not is_amid_message(peer)


class _Recorder(asyncio.Transport):
    """A transport that keeps what is written to it."""

    written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


def _receive(peer: asyncio.BaseProtocol, data: bytes) -> None:
    """Give data to a protocol, as a transport does."""
    if isinstance(peer, asyncio.BufferedProtocol):
        memoryview(peer.get_buffer(len(data)))[: len(data)] = data
        peer.buffer_updated(len(data))
    else:
        cast("asyncio.Protocol", peer).data_received(data)


def _complete(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Return the result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("_T", end.value)
    finally:
        coroutine.close()
    raise NotImplementedError
