"""The way to the server: a request goes in, status, headers and bytes come out.

One attempt is one request on the wire. Left alone, aiohttp repeats an idempotent request by itself when the
server closes the connection before it answers; a limiter around it would never know. That is stopped where
aiohttp hears of it: in a session of our own by the class of its responses, in one that was given by a
middleware, which takes a little longer.

Nothing is judged here: a response of any status is a `Response`. An exception is always one of ours, made
of plain values and raised ``from None``, since aiohttp's own carry the request and with it the key.
"""

from __future__ import annotations

import asyncio
import math
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import attrs
from aiohttp.http import HttpProcessingError

from hourlyclicks.errors import DecodeError, TransportError, UsageError
from hourlyclicks.model.checks import check_amount, check_type
from hourlyclicks.model.http import Response
from hourlyclicks.net.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection

    from hourlyclicks.errors import HourlyClicksError, TransportKind
    from hourlyclicks.model.http import Request
    from hourlyclicks.net.watch import Term

LARGEST_BODY = 1 << 20
"""Bytes after decompression. A day of 24 rows has about 1,500."""

_ENOUGH = 1 << 16
_GOOD = 2

_BROKEN = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


class Transport(Protocol):
    """What can carry a request to the API."""

    async def send(self, request: Request) -> Response:
        """Send a request once and read the whole response.

        Raises:
            TransportError: there was no complete response.
            DecodeError: the body is larger than any answer.
        """
        ...

    async def close(self) -> None:
        """Give up what is owned; may be called twice."""
        ...


@attrs.frozen
class Timeout:
    """How long one request may take, in seconds.

    Args:
        total: for everything, from the request to the last byte of the response.
        connect: for the connection to a new socket.
        read: from the connection to the end of the headers, and between two pieces of the body.
    """

    total: float = 30.0
    connect: float = 10.0
    read: float = 20.0

    def __attrs_post_init__(self) -> None:
        for name, seconds in attrs.asdict(self).items():
            check_amount(f"Timeout.{name}", seconds)


class AiohttpTransport:
    """Carry requests with aiohttp.

    Args:
        session: used and never closed when given; else one is made at the first request, and owned.
        timeout: for each request.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None, *, timeout: Timeout) -> None:
        self._session = session
        self._owns = session is None
        if session is not None:
            check_type("session", session, aiohttp.ClientSession)
        if session is not None and not session.auto_decompress:
            raise UsageError("the session must decompress by itself (auto_decompress=True)")
        self._closed = False
        self._headers: Mapping[str, str] | None = None
        self._watch = Watch(total=timeout.total, silence=timeout.read if self._owns else math.inf)
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=timeout.connect,
            sock_read=None if self._owns else timeout.read,  # see `_answers`
        )
        self._options: dict[str, Any] = {}
        if not self._owns:
            self._options.update(timeout=self._timeout, raise_for_status=False, middlewares=(_sent_once,))

    async def send(self, request: Request) -> Response:
        """See `Transport.send`."""
        if self._closed:
            raise UsageError("the client is closed", fatal=True)
        session = self._session or self._open(request.headers)
        response: aiohttp.ClientResponse | None = None
        failure: HourlyClicksError | None = None
        beginning: list[bytes] = []
        headers = None if request.headers is self._headers else request.headers
        term = self._watch.begin()
        try:
            response = await session.get(request.url, headers=headers, allow_redirects=False, **self._options)
            content = response.content
            if response.status // 100 == _GOOD:
                # As a rule all of the body is there already.
                body = _checked(content.read_nowait()) if content.is_eof() else await _read(content, term)
                return Response(response.status, response.headers, body)
            await _read_beginning(content, term, beginning)
        except (*_BROKEN, RuntimeError) as error:
            failure = translate(error, host=request.url.host or "")
        except asyncio.CancelledError:
            if not self._watch.end(term):
                raise
            failure = translate(TimeoutError(), host=request.url.host or "")
        finally:
            self._watch.end(term)
            if response is not None and not response.content.at_eof():
                response.release()
        if response is not None and response.status // 100 != _GOOD:
            return Response(response.status, response.headers, b"".join(beginning))
        if self._closed:
            raise UsageError("the client was closed meanwhile", fatal=True)
        assert failure is not None  # noqa: S101 - a good answer was returned, and so was a no
        raise failure

    async def close(self) -> None:
        """See `Transport.close`."""
        self._closed = True
        self._watch.close()
        if self._owns and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self, headers: Mapping[str, str]) -> aiohttp.ClientSession:
        """Make a session, and give it once and for all the headers of the requests, which share them."""
        self._headers = headers
        self._session = aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            response_class=_answers(self._watch),
        )
        return self._session

    def __del__(self) -> None:
        if self._owns and self._session is not None and not self._session.closed:
            warnings.warn("a client was not closed", ResourceWarning, source=self, stacklevel=2)


class _NotSentAgain(aiohttp.ClientError):
    """Stands in for the errors on which aiohttp would send a request a second time."""


_REPEATED = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)


async def _sent_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent, and aiohttp does not repeat these
    except _REPEATED:
        pass
    raise _NotSentAgain


def _answers(watch: Watch) -> type[aiohttp.ClientResponse]:
    """Return a class of responses to requests that are sent once, and may then not be silent for too long."""

    class Answer(aiohttp.ClientResponse):
        async def start(self, connection: Connection) -> aiohttp.ClientResponse:
            watch.beat()  # there is a connection, and the request is on its way
            try:
                return await super().start(connection)
            except _REPEATED:
                pass
            raise _NotSentAgain

    return Answer


async def _read(content: aiohttp.StreamReader, term: Term) -> bytes:
    """Read a body piece by piece, so that a bomb is noticed long before it is unpacked."""
    pieces: list[bytes] = []
    size = 0
    while size <= LARGEST_BODY:
        term.beat()
        piece = await content.readany()
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    raise _TooLargeError


def _checked(body: bytes) -> bytes:
    """Return a body that is not too large."""
    if len(body) > LARGEST_BODY:
        raise _TooLargeError
    return body


async def _read_beginning(content: aiohttp.StreamReader, term: Term, pieces: list[bytes]) -> None:
    """Read what comes with a status that says no, which counts even if the body is large or breaks off."""
    size = 0
    while size < _ENOUGH:
        term.beat()
        piece = await content.readany()
        if not piece:
            return
        pieces.append(piece)
        size += len(piece)


class _TooLargeError(ValueError):
    """The body is larger than any answer."""


_KINDS: tuple[tuple[type[BaseException], TransportKind, str], ...] = (
    (aiohttp.ClientConnectorDNSError, "dns", "cannot resolve {host}"),
    (aiohttp.ClientConnectorCertificateError, "tls", "the certificate of {host} is not valid"),
    (aiohttp.ClientSSLError, "tls", "no TLS connection to {host} could be made"),
    (aiohttp.ServerFingerprintMismatch, "tls", "{host} shows another certificate than expected"),
    (aiohttp.ConnectionTimeoutError, "timeout", "connecting to {host} took too long"),
    (asyncio.TimeoutError, "timeout", "{host} took too long to answer"),
    (aiohttp.ClientProxyConnectionError, "connect", "cannot connect to the proxy on the way to {host}"),
    (aiohttp.ClientHttpProxyError, "connect", "the proxy on the way to {host} refused the connection"),
    (aiohttp.ClientConnectorError, "connect", "cannot connect to {host}"),
    (_NotSentAgain, "disconnected", "{host} closed the connection before it answered"),
    (aiohttp.ClientConnectionError, "disconnected", "the connection to {host} broke off"),
    (aiohttp.ClientPayloadError, "disconnected", "the answer of {host} breaks off"),
    (aiohttp.ClientResponseError, "protocol", "what {host} answered is not HTTP"),
    (aiohttp.ClientError, "protocol", "what {host} answered is not HTTP"),
    (HttpProcessingError, "protocol", "what {host} answered is not HTTP"),  # without the C parser
    (OSError, "disconnected", "the connection to {host} broke off"),
    (ValueError, "protocol", "what {host} answered is not HTTP"),
)


def translate(error: BaseException, *, host: str) -> HourlyClicksError:
    """Turn what aiohttp raises into an error of ours, the most specific row first.

    The original is neither kept nor quoted: it may hold the key.
    """
    if isinstance(error, _TooLargeError):
        return DecodeError((f"the body is larger than {LARGEST_BODY} bytes",), retryable=False)
    if type(error) is ValueError and "AUTHORIZATION" in str(error).upper():
        return UsageError(
            "the session brings credentials of its own (auth=, or trust_env with a netrc entry for "
            f"{host}), which collide with the API key",
            fatal=True,
        )
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return UsageError(f"the session cannot reach a URL of {host}", fatal=True)
    if isinstance(error, RuntimeError):
        return UsageError("the session is closed, or belongs to another event loop", fatal=True)
    kind, text = next((kind, text) for cause, kind, text in _KINDS if isinstance(error, cause))
    return TransportError(text.format(host=host), kind=kind)
