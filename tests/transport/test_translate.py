"""Unforeseen exceptions of a session are translated, and what their messages say."""

from __future__ import annotations

import asyncio
import copy
import pickle
import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from hourlyclicks import Client, Limits
from hourlyclicks.errors import AuthenticationError, TransportError, UsageError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.transport.translate import NotSentAgain, StaleConnection, translate
from hourlyclicks.transport.user_transport import TranslatingTransport
from hourlyclicks.wire.clicks_by_hour import ClicksByHour
from tests.fetching.asking import KEY, LINK, failure
from tests.transport.raw_server import EMPTY_DAY, RawServer, Sign, answer, needs_c_parser

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request, Response
    from tests.transport.raw_server import Script


class SocksError(Exception):
    """What a connector for SOCKS raises, without a base of aiohttp or ours."""


class SlottedError(Exception):
    """An exception without room for further attributes."""

    series = property()
    report = property()


def raised_from(error: Exception, cause: BaseException) -> Exception:
    """Return an exception with an explicit cause."""
    error.__cause__ = cause
    return error


FOREIGN: dict[str, Exception] = {
    "a class of its own": SocksError(KEY),
    "a class without attributes": SlottedError(KEY),
    "a resolver that was closed": AttributeError(f"'NoneType' object has no attribute {KEY!r}"),
    "a bug": ZeroDivisionError(KEY),
    "a RuntimeError": RuntimeError(KEY),
    "an end of iteration": StopAsyncIteration(KEY),
    "a task group": ExceptionGroup(KEY, [ConnectionResetError(KEY), SocksError(KEY)]),
    "no memory": MemoryError(KEY),
    "recursion": RecursionError(KEY),
}
NETWORK: dict[str, Exception] = {
    "a reset": ConnectionResetError(KEY),
    "no descriptor left": OSError(24, KEY),
    "a timeout": TimeoutError(KEY),
    "an end of file": asyncio.IncompleteReadError(KEY.encode(), 9),
    "a name": socket.gaierror(KEY),
    "a class raised from a reset": raised_from(SocksError(KEY), ConnectionResetError(KEY)),
    "a task group of resets": ExceptionGroup(KEY, [ConnectionResetError(KEY)]),
    "a label too long": UnicodeError("label empty or too long"),
}


class Raising(AbstractResolver):
    """A resolver that raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.asked = 0

    async def resolve(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - as the base has it
        """Raise."""
        self.asked += 1
        raise self.error

    async def close(self) -> None:
        """Do nothing."""


async def failure_with(error: BaseException) -> TransportError:
    """Send a request with a session whose resolver raises, and return the error."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Raising(error))) as session:
        found = await failure(AiohttpTransport(session, timeout=Timeout()), "https://clicks.invalid")
    assert isinstance(found, TransportError)
    assert (found.__cause__, found.__context__) == (None, None)
    assert KEY not in repr((found, found.args, vars(found)))
    return found


@pytest.mark.parametrize("what", FOREIGN)
async def test_an_unforeseen_exception_is_fatal_and_named(what: str) -> None:
    """An exception that is not about the network becomes a fatal error that names its class."""
    error = await failure_with(FOREIGN[what])
    assert (error.kind, error.retryable, error.fatal) == ("other", False, True)
    expected = SocksError if isinstance(FOREIGN[what], ExceptionGroup) else type(FOREIGN[what])
    assert expected.__name__ in str(error)


@pytest.mark.parametrize("what", NETWORK)
async def test_what_the_network_does_is_repeated(what: str) -> None:
    """An exception of the network is retryable, also as the cause of another one."""
    error = await failure_with(NETWORK[what])
    assert (error.retryable, error.fatal) == (True, False)
    assert error.kind != "other"


def test_every_exception_there_is_has_its_place() -> None:
    """An exception of any class becomes an error of ours, which pickles."""

    def every(base: type[BaseException]) -> set[type[BaseException]]:
        return {base}.union(*(every(child) for child in base.__subclasses__()))

    for kind in every(Exception):
        if kind.__module__.startswith("hourlyclicks") or issubclass(kind, BaseExceptionGroup):
            continue
        try:
            raised = kind.__new__(kind)
        except TypeError:  # those of a few libraries are not made without arguments
            continue
        error = translate(raised, host="clicks.example")
        assert isinstance(error, TransportError | UsageError) or "large" in str(error)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - made here


class Odd:
    """A transport that answers some days and then raises."""

    def __init__(self, error: BaseException, after: int) -> None:
        self.error = error
        self.after = after

    async def send(self, request: Request) -> Response:
        """Answer, or raise."""
        from hourlyclicks.model.http import Response  # noqa: PLC0415 - only types above

        del request
        self.after -= 1
        if self.after < 0:
            raise self.error
        return Response(200, {}, EMPTY_DAY)

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("what", FOREIGN)
async def test_a_transport_that_raises_anything_loses_no_day(what: str) -> None:
    """Days that were answered before a foreign exception are attached to the error."""
    async with Client(KEY, transport=Odd(FOREIGN[what], 3), limits=Limits(concurrency=1)) as client:
        with pytest.raises(TransportError) as caught:
            await client.fetch("2025-04-01", "2025-04-09", LINK)
    assert caught.value.series is not None
    assert len(caught.value.series.missing_days) == 6


@pytest.mark.parametrize("bug", [ZeroDivisionError(), SlottedError()], ids=["plain", "slotted"])
async def test_even_a_bug_carries_what_was_answered(
    bug: Exception,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,  # noqa: ANN401 - a path
) -> None:
    """A bug is raised as it is, with the series or report if it can carry one."""
    transport = Odd(AuthenticationError("", status=401), 1000)
    options: dict[str, Any] = {"transport": transport, "limits": Limits(concurrency=1)}
    async with Client(KEY, store=tmp_path / "a.db", **options) as client:
        number = iter(range(1000))
        decode = ClicksByHour.decode

        def read(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed through
            if next(number) == 3:
                raise bug
            return decode(*args, **options)

        monkeypatch.setattr(ClicksByHour, "decode", read)
        with pytest.raises(type(bug)) as caught:
            await client.fetch("2025-04-01", "2025-04-09", LINK)
        if isinstance(bug, ZeroDivisionError):
            assert len(caught.value.series.missing_days) == 6  # type: ignore[attr-defined]  # that is the point
        number = iter([3])
        with pytest.raises(type(bug)) as caught:
            await client.backfill("2025-04-01", "2025-04-09", [LINK])
        if isinstance(bug, ZeroDivisionError):
            assert caught.value.report.total == 9  # type: ignore[attr-defined]  # likewise


async def test_a_cancellation_by_the_session(server: RawServer) -> None:
    """A session that cancels its own futures, as when it is closed, does not cancel the caller."""
    server.then([Sign.HANG])
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
    transport = AiohttpTransport(session, timeout=Timeout())
    tasks = [asyncio.create_task(failure(transport, server.url)) for _ in range(2)]
    await server.arrivals(1)
    await session.close()
    for error in await asyncio.gather(*tasks):
        assert isinstance(error, UsageError)
        assert str(error) == "the session is closed"


async def test_a_transport_that_cancels_by_itself() -> None:
    """A `CancelledError` of a transport is an error; a requested cancellation stays one."""
    transport = TranslatingTransport(Odd(asyncio.CancelledError(), 0))
    error = await failure(transport, "https://clicks.example")  # type: ignore[arg-type]  # any transport
    assert isinstance(error, TransportError)
    assert "CancelledError" in str(error)


async def hook_raises(error: Exception, on: str) -> TransportError:
    """Send a request with a session whose trace hook raises."""

    async def hook(*_: object) -> None:
        raise error

    trace = aiohttp.TraceConfig()
    getattr(trace, on).append(hook)
    async with RawServer() as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        found = await failure(AiohttpTransport(session, timeout=Timeout()), server.url)
    assert isinstance(found, TransportError)
    return found


@pytest.mark.parametrize(
    "on", ["on_request_start", "on_request_end", "on_connection_create_end", "on_request_headers_sent"]
)
async def test_a_trace_hook_that_raises(on: str) -> None:
    """The error names the hook and where it raised."""
    error = await hook_raises(KeyError(KEY), on)
    assert re.search(r"failed with KeyError \(test_translate.py, line \d+, in hook\)$", str(error))
    assert error.fatal


# -- messages -------------------------------------------------------------------------------------------

TOLD: dict[str, tuple[str, Script]] = {
    "a long header": (
        "a header of what 127.0.0.1 answered is too long",
        [answer(EMPTY_DAY, f"X-A: {'a' * 9000}")],
    ),
    "brotli": (
        "127.0.0.1 answered in an encoding that was not asked for",
        [answer(EMPTY_DAY, "Content-Encoding: br")],
    ),
    "another protocol": ("what 127.0.0.1 answered is not HTTP", [b"SSH-2.0-OpenSSH_9.6\r\n"]),
}


@pytest.mark.parametrize(
    "what",
    [pytest.param(each, marks=[needs_c_parser] if each == "another protocol" else []) for each in TOLD],
)
async def test_what_is_wrong_with_an_answer_is_named(
    what: str, server: RawServer, transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that cannot be read is an error that says why."""
    for name in ("HAS_BROTLI", "HAS_ZSTD"):
        monkeypatch.setattr(f"aiohttp.http_parser.{name}", False)
    expected, script = TOLD[what]
    server.then(script)
    assert str(await failure(transport, server.url)) == expected


async def test_a_full_pool_is_named(server: RawServer) -> None:
    """A session whose connections are all in use is named as the cause, not the server."""
    server.then([Sign.HANG])
    for limits in ({"limit": 1}, {"limit_per_host": 1}):
        connector = aiohttp.TCPConnector(**limits)  # type: ignore[arg-type]  # either of two numbers
        async with aiohttp.ClientSession(connector=connector) as session:
            busy = asyncio.create_task(session.get(server.url))
            await server.arrivals(1)
            server.then([Sign.HANG])
            error = await failure(AiohttpTransport(session, timeout=Timeout(total=0.05)), server.url)
            busy.cancel()
            await asyncio.wait([busy])
        assert isinstance(error, TransportError)
        assert "no free connection" in str(error)
        assert (error.kind, error.retryable) == ("timeout", True)
        server.requests.clear()


def test_errors_about_tls_name_their_reason() -> None:
    """A TLS error has the message of OpenSSL, escaped and cut to a line."""
    error = ssl.SSLCertVerificationError(1, "[SSL] " + KEY)
    error.verify_message = "certificate has expired\x1b" + 300 * "!"
    told = str(translate(error, host="clicks.example"))
    assert told.startswith("the certificate of clicks.example is not valid: certificate has expired\\x1b!")
    assert len(told) < 300
    assert KEY not in told


def test_a_copy_of_a_stale_connection_is_stale() -> None:
    """Errors keep what they are when they are copied."""
    for kind in (NotSentAgain, StaleConnection):
        error = copy.copy(translate(kind(), host="clicks.example"))
        assert isinstance(error, TransportError)
        assert error.stale is (kind is StaleConnection)
