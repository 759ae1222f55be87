"""How the transport translates responses and all exceptions of aiohttp, without a socket."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import TransferEncodingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from hourlyclicks.errors import DecodeError, TransportError, UsageError
from hourlyclicks.transport import translate as module
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.transport.translate import LARGEST_BODY, translate
from tests.cases import every_case
from tests.fetching.asking import KEY, failure, request_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aioresponses import aioresponses

    from hourlyclicks.errors import HourlyClicksError

HOST = "clicks.example"
REQUEST = request_to(f"https://{HOST}")
INFO = aiohttp.RequestInfo(
    REQUEST.url, "GET", CIMultiDictProxy(CIMultiDict(REQUEST.headers)), real_url=URL(REQUEST.url)
)
"""What aiohttp attaches to its errors; it holds the key."""


def every_error(base: type[BaseException] = aiohttp.ClientError) -> Iterator[type[BaseException]]:
    """Yield aiohttp's exceptions, of any depth."""
    if base.__module__.startswith("aiohttp"):
        yield base
    for child in base.__subclasses__():
        yield from every_error(child)


def made(kind: type[BaseException]) -> BaseException:
    """Create an exception of any class, with the key in every part."""
    error = kind.__new__(kind, f"APIKey {KEY}")
    error.__dict__.update(request_info=INFO, message=f"APIKey {KEY}", status=400, headers=None, history=())
    return error


def row(error: BaseException) -> type[BaseException]:
    """Return the row of the table that applies to an exception."""
    return next(cause for cause, *_ in module._KINDS if isinstance(error, cause))


ERRORS = sorted(set(every_error()), key=lambda kind: kind.__name__)


@every_case("kind", ERRORS)
def test_every_error_of_aiohttp_has_its_place(kind: type[BaseException]) -> None:
    """Each exception of aiohttp becomes one of ours that names the host and does not hold the key."""
    error = translate(made(kind), host=HOST)
    assert isinstance(error, TransportError | UsageError)
    assert HOST in str(error)
    assert KEY not in repr((error, error.args, vars(error)))
    for double in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - made here
        assert (type(double), str(double), vars(double)) == (type(error), str(error), vars(error))


def test_no_error_of_aiohttp_is_left_to_chance() -> None:
    """Only what cannot result from a GET without redirects falls through to the last row."""
    fallen = {kind.__name__ for kind in ERRORS if row(made(kind)) is aiohttp.ClientError}
    never = {"UploadAbortedError", "WebSocketError"}
    by_hand = {
        "InvalidURL",
        "InvalidUrlClientError",
        "InvalidUrlRedirectClientError",
        "NonHttpUrlClientError",
        "NonHttpUrlRedirectClientError",
    }
    assert fallen - never - by_hand <= {"ClientError", "RedirectClientError"}


EXPECTED = {
    "ClientConnectorCertificateError": "tls",
    "ClientConnectorDNSError": "dns",
    "ClientConnectorError": "connect",
    "ClientConnectorSSLError": "tls",
    "ClientHttpProxyError": "connect",
    "ClientOSError": "disconnected",
    "ClientPayloadError": "disconnected",
    "ClientProxyConnectionError": "connect",
    "ClientResponseError": "protocol",
    "ConnectionTimeoutError": "timeout",
    "ServerDisconnectedError": "disconnected",
    "ServerFingerprintMismatch": "tls",
    "ServerTimeoutError": "timeout",
    "SocketTimeoutError": "timeout",
}


@every_case("name", EXPECTED)
def test_the_kinds(name: str) -> None:
    """The most specific row applies."""
    error = translate(made(getattr(aiohttp, name)), host=HOST)
    assert isinstance(error, TransportError)
    assert error.kind == EXPECTED[name]
    assert (error.retryable, error.fatal) == (error.kind != "tls", error.kind == "tls")


@pytest.mark.parametrize(
    ("host", "port", "place"),
    [
        ("127.0.0.1", 8080, "127.0.0.1:8080"),
        ("::1", 8080, "[::1]:8080"),
        ("vivoldi.com", 443, "vivoldi.com"),
    ],
)
def test_a_connection_that_fails_names_an_unusual_port(host: str, port: int, place: str) -> None:
    """A simulator that has ended is reached at no other port, so the port is the slip to look for."""
    key = ConnectionKey(host, port, False, True, None, None, None)  # noqa: FBT003 - the order is aiohttp's
    error = translate(aiohttp.ClientConnectorError(key, OSError(111, "refused")), host=host)
    assert str(error) == f"cannot connect to {place}"


OTHERS = {
    "timeout": TimeoutError(),
    "disconnected": ssl.SSLError(1, "decryption failed"),
    "protocol": ValueError("Newline or carriage return in headers"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_errors_of_others(kind: str) -> None:
    """What the standard library raises through aiohttp is translated, too."""
    error = translate(OTHERS[kind], host=HOST)
    assert isinstance(error, TransportError)
    assert error.kind == kind


@pytest.mark.parametrize("status", [200, 204, 404, 429, 500, 503])
async def test_any_status_is_a_response(
    status: int, mocked_api: aioresponses, transport: AiohttpTransport
) -> None:
    """Status, headers and bytes are returned as they are."""
    mocked_api.get(REQUEST.url, status=status, body=b"{}", headers={"Retry-After": "7"})
    response = await transport.send(REQUEST)
    assert (response.status, response.headers["retry-after"], response.body) == (status, "7", b"{}")


@pytest.mark.parametrize("size", [0, 1, 200_000, LARGEST_BODY])
async def test_a_body_comes_whole(size: int, mocked_api: aioresponses, transport: AiohttpTransport) -> None:
    """A body of any allowed size is returned whole."""
    mocked_api.get(REQUEST.url, body=bytes(size))
    assert (await transport.send(REQUEST)).body == bytes(size)


async def test_a_body_too_large(mocked_api: aioresponses, transport: AiohttpTransport) -> None:
    """A larger body is an error that is not retried."""
    mocked_api.get(REQUEST.url, body=bytes(LARGEST_BODY + 1))
    error = await failure(transport, f"https://{HOST}")
    assert isinstance(error, DecodeError)
    assert not error.retryable
    assert error.__context__ is None


RAISED: dict[type[HourlyClicksError], list[BaseException]] = {
    TransportError: [
        TransferEncodingError(KEY),
        aiohttp.ClientPayloadError(KEY),
        ConnectionResetError(KEY),
        RuntimeError(KEY),
        TimeoutError(KEY),
        ValueError(KEY),
    ],
    UsageError: [aiohttp.InvalidURL(f"https://{KEY}"), ValueError(f"AUTHORIZATION {KEY}")],
}


@pytest.mark.parametrize(
    ("cause", "expected"),
    [(cause, expected) for expected, causes in RAISED.items() for cause in causes],
    ids=repr,
)
async def test_what_aiohttp_raises_is_left_behind(
    cause: Exception,
    expected: type[HourlyClicksError],
    mocked_api: aioresponses,
    transport: AiohttpTransport,
) -> None:
    """An exception of aiohttp is neither the cause nor the context of ours, nor quoted in it."""
    mocked_api.get(REQUEST.url, exception=cause)
    error = await failure(transport, f"https://{HOST}")
    assert type(error) is expected
    assert (error.__cause__, error.__context__) == (None, None)
    assert KEY not in repr((error, error.args, vars(error)))


async def test_an_unknown_error_is_named(mocked_api: aioresponses, transport: AiohttpTransport) -> None:
    """A bug is not reported as a connection error: its class and place are named, and it is fatal."""
    mocked_api.get(REQUEST.url, exception=ZeroDivisionError(KEY))
    error = await failure(transport, f"https://{HOST}")
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable, error.fatal) == ("other", False, True)
    assert str(error).startswith(f"asking {HOST} failed with ZeroDivisionError (core.py, line ")


# -- what it is made of ---------------------------------------------------------------------------------


@every_case("seconds", [0, -1, math.nan, math.inf])
@every_case("name", ["total", "connect", "read"])
def test_a_timeout_is_a_time(name: str, seconds: float) -> None:
    """Limits of zero, below zero or NaN are errors."""
    with pytest.raises(UsageError, match=rf"^Timeout\.{name} must be a number above 0"):
        Timeout(**{name: seconds})


@pytest.mark.usefixtures("own_garbage")
async def test_a_session_that_does_not_decompress() -> None:
    """A session that returns compressed bytes is an error at once, without warnings afterwards."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        with pytest.raises(UsageError, match="auto_decompress"):
            AiohttpTransport(session, timeout=Timeout())
        gc.collect()  # an exception in __del__ would fail the test here


async def test_closing_twice_and_too_early() -> None:
    """Closing is idempotent, and possible before anything was sent."""
    transport = AiohttpTransport(timeout=Timeout())
    await transport.close()
    await transport.close()


async def test_a_closed_transport(transport: AiohttpTransport) -> None:
    """It sends no more, and opens no new session."""
    await transport.close()
    error = await failure(transport, f"https://{HOST}")
    assert isinstance(error, UsageError)
    assert error.fatal
    assert transport._session is None


async def test_a_forgotten_transport_warns(mocked_api: aioresponses) -> None:
    """An own session that was not closed is reported."""
    mocked_api.get(REQUEST.url, body=b"{}")
    forgotten: list[Any] = [AiohttpTransport(timeout=Timeout())]
    await forgotten[0].send(REQUEST)
    session = forgotten[0]._session
    with pytest.warns(ResourceWarning, match="not closed"):
        forgotten.clear()
    await session.close()
