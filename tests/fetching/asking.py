"""What several tests request, and how they check that nothing is left behind."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import random
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp.abc import AbstractResolver

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.request import Origin
from tests.wire.asking import build_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.abc import ResolveResult
    from aiohttp.client_proto import ResponseHandler

    from hourlyclicks.client import Client
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.transport.aiohttp import AiohttpTransport
    from tests.transport.raw_server import RawServer

KEY = "canary-0123456789abcdef"
LINK = Link("kYdr", "https://vvd.bz")
DAY = dt.date(2025, 4, 20)
QUERY = Query(DAY, LINK)


@functools.cache
def _origin(url: str) -> Origin:
    """Return the one origin of an API, as a client has one."""
    return Origin.of(url, ApiKey(KEY))


def request_to(url: str) -> Request:
    """Return a request for `QUERY` from the API at a base URL."""
    return build_request(QUERY, _origin(url))


async def ask(transport: AiohttpTransport, server: RawServer) -> Response:
    """Send one request."""
    return await transport.send(request_to(server.url))


async def failure(transport: AiohttpTransport, url: str) -> HourlyClicksError:
    """Send one request that fails, and return its error."""
    with pytest.raises(HourlyClicksError) as caught:
        await transport.send(request_to(url))
    return caught.value


def held(transport: AiohttpTransport) -> int:
    """Return how many connections are in use or were forgotten."""
    session = transport._session
    assert session is not None
    assert session.connector is not None
    return len(session.connector._acquired) - len(_waiting(transport))


def kept_alive(transport: AiohttpTransport) -> int:
    """Return how many idle connections are still open as far as this side knows."""
    return sum(each.is_connected() for each in pooled(transport))


def pooled(transport: AiohttpTransport) -> list[ResponseHandler]:
    """Return the idle connections."""
    session = transport._session
    assert session is not None
    assert session.connector is not None
    in_pool = [peer for pool in session.connector._conns.values() for peer, _ in pool]
    return in_pool + _waiting(transport)


def _waiting(transport: AiohttpTransport) -> list[ResponseHandler]:
    return [] if transport._direct is None else transport._direct._idle._peers


def slots_in_use(client: Client) -> int:
    """Return how many slots of the limiter are in use."""
    backend = client._engine.limiter._backend
    assert isinstance(backend, LocalBackend)
    return len(backend.throttle.window._sent)


@contextlib.contextmanager
def crowded() -> Iterator[str]:
    """Yield the URL of a server whose backlog is full, so that connecting hangs."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            queued = stack.enter_context(socket.socket())
            queued.settimeout(0)
            queued.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="other kernels refuse when the queue is full"
)


class Dice(random.Random):
    """A random generator that always returns the same number."""

    def __init__(self, u: float) -> None:
        super().__init__()
        self.u = u

    def random(self) -> float:
        """Return the one number."""
        return self.u


class Unresolved(AbstractResolver):
    """A resolver that knows no host.

    Attributes:
        asked: how often it was asked.
    """

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Fail as the system's resolver does."""
        self.asked += 1
        raise OSError(socket.EAI_NONAME, f"Name or service not known ({host}, {port}, {family})")

    async def close(self) -> None:
        """Do nothing."""
