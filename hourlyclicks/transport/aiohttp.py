"""The aiohttp transport: sends a request, and returns status, headers and body.

One attempt is one request on the wire. By default, aiohttp repeats an idempotent request when the server
closes the connection before it answers, and the limiter would not know. This is prevented in the class of
the responses, where aiohttp notices it; for a session of the user, a middleware sets this class.

The transport does not interpret a status: every response is a `Response`. Exceptions are always those of this
package, made of plain values and raised ``from None``, because aiohttp's own contain the request and the key.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import aiohttp

from hourlyclicks.errors import TransportError, UsageError
from hourlyclicks.model.checks import check_type
from hourlyclicks.model.http import Response
from hourlyclicks.transport.connections import Connections
from hourlyclicks.transport.deadlines import DeadlineTimer
from hourlyclicks.transport.direct import fast_path
from hourlyclicks.transport.proxies import check_exposure, proxy_url
from hourlyclicks.transport.translate import LARGEST_BODY, TooLargeError, translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.http import Request
    from hourlyclicks.transport.deadlines import Deadline
    from hourlyclicks.transport.direct import DirectResponse, DirectSender
    from hourlyclicks.transport.protocol import Timeout

_ENOUGH = 1 << 16
_GOOD = 2


class AiohttpTransport:
    """Send requests with aiohttp.

    Args:
        session: a session of the user, which is never closed; by default, one is made at the first request.
        timeout: the time limits of each request.
        proxy: the URL of an HTTP proxy, for a session that is made here.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        timeout: Timeout,
        proxy: str | URL | None = None,
    ) -> None:
        self._session = session
        self._owns = session is None
        if session is not None:
            check_type("session", session, aiohttp.ClientSession)
        if session is not None and not session.auto_decompress:
            raise UsageError("the session must decompress by itself (auto_decompress=True)")
        of_session: URL | None = getattr(session, "_default_proxy", None)  # it has no public name
        self._proxy = of_session if proxy is None else proxy_url(proxy)
        self._trusting = session is not None and session.trust_env
        self._ready: aiohttp.ClientSession | None = None  # checked already, for use without further checks
        self._direct: DirectSender | None = None  # the fast path of a session that is made here
        self._closed = False
        self._headers: Mapping[str, str] | None = None
        self._timer = DeadlineTimer(total=timeout.total, silence=timeout.read)
        self._connections = Connections(self._timer)
        self._outgrown: list[aiohttp.ClientSession] = []
        self._total = timeout.total
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timeout.connect)
        self._options: dict[str, Any] = {}
        self._connections.session = session
        if not self._owns:
            middlewares = (self._connections.sent_once,)
            self._options.update(timeout=self._timeout, raise_for_status=False, middlewares=middlewares)

    async def send(self, request: Request) -> Response:
        """See `Transport.send`."""
        session = self._ready or self._usable(request)
        response: aiohttp.ClientResponse | DirectResponse | None = None
        unread: aiohttp.ClientResponse | DirectResponse | None = None
        failure: HourlyClicksError | None = None
        beginning: list[bytes] = []
        direct = self._direct
        deadline = self._timer.begin() or _reject_loop(request)
        try:
            if direct is not None and request.headers is self._headers and direct.serves(request.origin):
                response = unread = await direct.get(request.target, deadline)
            else:
                headers = None if request.headers is self._headers else request.headers
                response = unread = await session.get(
                    request.url, headers=headers, allow_redirects=False, **self._options
                )
            content = response.content
            if response.status // 100 == _GOOD:
                # Usually the whole body has arrived already.
                body = _checked(content.read_nowait()) if content.is_eof() else await _read(content, deadline)
                unread = None
                return Response(response.status, response.headers, body, response)
            await _read_beginning(content, deadline, beginning)
        except asyncio.CancelledError as error:
            # Three causes look alike: the deadline, a cancelled caller, and code in aiohttp that cancels what
            # this task awaits. Only the second may leave this method as a CancelledError. In each case, a
            # request without a response may still reach the server, and the limiter must know for how long.
            up = self._timer.end(deadline)
            request.unsent = response is None and not deadline.begun
            if response is None and deadline.begun:
                request.may_arrive = self._total if up else deadline.left
            if not up and deadline.cancelled:
                raise
            failure = self._translated(TimeoutError() if up else error, request, session, deadline)
        except Exception as error:  # noqa: BLE001 - a session of the user can raise anything
            request.unsent = response is None and not deadline.begun
            failure = self._translated(error, request, session, deadline)
        finally:
            self._timer.end(deadline)
            if unread is not None and not unread.content.at_eof():
                unread.release()
        # The status of an error counts even if its body is incomplete: this comes before the failure.
        if response is not None and response.status // 100 != _GOOD:
            return Response(response.status, response.headers, b"".join(beginning), response)
        if self._closed:
            raise UsageError("the client was closed meanwhile", fatal=True)
        assert failure is not None  # noqa: S101 - every response was returned above
        raise failure

    async def close(self) -> None:
        """See `Transport.close`."""
        self._closed, self._ready = True, None
        self._timer.close()
        while self._outgrown:
            await self._outgrown.pop().close()
        if self._owns and self._session is not None:
            session, self._session = self._session, None
            try:
                await session.close()
            finally:
                self._end_fast_path()

    def _end_fast_path(self) -> None:
        """End the fast path; after its session, since its event loop may have ended."""
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.release_connections()

    def _usable(self, request: Request) -> aiohttp.ClientSession:
        """Return the session, if a request may be sent with it."""
        request.unsent = True  # as long as this has not returned
        if self._closed:
            raise UsageError("the client is closed", fatal=True)
        if self._trusting or self._proxy is not None:
            check_exposure(request.url, self._proxy)
        session = self._session or self._open(request)
        if not self._trusting:
            self._ready = session
        request.unsent = False
        return session

    def _open(self, request: Request) -> aiohttp.ClientSession:
        """Make a session with the headers that all requests share."""
        self._headers = request.headers
        self._session = session = self._connections.session = aiohttp.ClientSession(
            headers=request.headers,
            connector=aiohttp.TCPConnector(limit=0, force_close=self._connections.single_use),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            proxy=self._proxy,
            response_class=self._connections.response_class_of(aiohttp.ClientResponse),
        )
        self._end_fast_path()
        if self._proxy is None:
            self._direct = fast_path(
                session, request.url, connections=self._connections, timeout=self._timeout
            )
        return session

    def _translated(
        self, error: BaseException, request: Request, session: aiohttp.ClientSession, deadline: Deadline
    ) -> HourlyClicksError:
        """Return the exception to raise, and replace the session if it must not be used again."""
        host = request.url.host or ""
        if self._owns:
            failure = translate(error, host=host, reached=self._connections.reached)
            if self._connections.single_use and session is self._session:
                self._outgrown.append(session)  # other requests may still use it
                self._ready = self._open(request)
        else:
            failure = _misuse(session) or translate(error, host=host, reached=self._connections.reached)
            if not deadline.begun and failure.retryable and _is_full(session):
                failure = TransportError(
                    "the session has no free connection: raise the limit of its connector", kind="timeout"
                )
        return failure

    def __del__(self) -> None:
        if self._owns and self._session is not None and not self._session.closed:
            warnings.warn("a client was not closed", ResourceWarning, source=self, stacklevel=2)


def _reject_loop(request: Request) -> NoReturn:
    request.unsent = True
    raise UsageError("the transport belongs to another event loop; make a new one", fatal=True)


def _misuse(session: aiohttp.ClientSession) -> UsageError | None:
    """Return why a session of the user cannot be used, if so."""
    if session.closed:
        return UsageError("the session is closed", fatal=True)
    loop = getattr(session, "_loop", None)  # its public property is deprecated
    if loop is not None and loop is not asyncio.get_running_loop():
        return UsageError("the session belongs to another event loop", fatal=True)
    return None


def _is_full(session: aiohttp.ClientSession) -> bool:
    """Return whether every connection that a session may have is in use."""
    connector = session.connector
    if connector is None:
        return False
    taken = getattr(connector, "_acquired", ())
    by_host = getattr(connector, "_acquired_per_host", {}).values()
    most = connector.limit_per_host
    return 0 < connector.limit <= len(taken) or any(0 < most <= len(each) for each in by_host)


async def _read(content: aiohttp.StreamReader, deadline: Deadline) -> bytes:
    """Read a body piece by piece, so that a compression bomb is detected early."""
    pieces: list[bytes] = []
    size = 0
    while size <= LARGEST_BODY:
        deadline.record_activity()
        piece = await content.readany()
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    raise TooLargeError


def _checked(body: bytes) -> bytes:
    """Return a body that is not too large."""
    if len(body) > LARGEST_BODY:
        raise TooLargeError
    return body


async def _read_beginning(content: aiohttp.StreamReader, deadline: Deadline, pieces: list[bytes]) -> None:
    """Read the beginning of an error's body, which is used even if the body is large or incomplete."""
    size = 0
    while size < _ENOUGH:
        deadline.record_activity()
        piece = await content.readany()
        if not piece:
            return
        pieces.append(piece)
        size += len(piece)
