"""What most tests of this folder need: a server to be tried on, a transport, and each way of sending."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.transport import aiohttp as transport_module
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.sizes import THOROUGH
from tests.transport.raw_server import RawServer
from tests.transport.tls import serving, trust

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable


FOLDER = Path(__file__).parent
WAYS = ("direct", "session", "direct, TLS")

LOOP = os.environ.get("HOURLYCLICKS_TESTS_LOOP", "asyncio")
"""The event loop of the tests of this folder: ``asyncio`` or ``uvloop``."""


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the event loop that is asked for."""
    return {LOOP: importlib.import_module(LOOP).new_event_loop}


def without_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sessions of a test send all requests themselves."""
    monkeypatch.setattr(transport_module, "fast_path", lambda *_given, **_named: None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Try each case in one of the ways as a rule, in turn, and what has no cases in all of them."""
    if THOROUGH or any("::" in argument for argument in config.args):
        return
    here = f"{FOLDER}{os.sep}"
    left_out = {item for item in items if str(item.path).startswith(here) and not _in_turn(item)}
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]


def _in_turn(item: pytest.Item) -> bool:
    indices: dict[str, int] = item.callspec.indices if hasattr(item, "callspec") else {}
    places = {name: place for name, place in indices.items() if not name.startswith("_")}  # one is the loop's
    place = places.pop("way", None)
    return place is None or not places or sum(places.values()) % len(WAYS) == place


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a client's own session sends: by the fast path or without it, with `server` plain or with TLS."""
    way: str = request.param
    if way.startswith("session"):
        without_fast_path(monkeypatch)
    if way.endswith("TLS"):
        trust(monkeypatch)
    return way


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[RawServer]:
    """A server that answers with figures until told otherwise."""
    way = request.getfixturevalue("way") if "way" in request.fixturenames else ""
    async with RawServer(tls=serving() if way.endswith("TLS") else None) as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """A transport with a session of its own."""
    transport = AiohttpTransport(timeout=Timeout())
    yield transport
    await transport.close()
