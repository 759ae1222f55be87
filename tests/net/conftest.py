"""What most tests of this folder need: a server to be tried on, and a transport."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.net.transport import AiohttpTransport, Timeout
from tests.net.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be."""
    return tmp_path / "clicks.db"


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    """A server that answers well until told otherwise."""
    async with RawServer() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """A transport with a session of its own."""
    transport = AiohttpTransport(timeout=Timeout())
    yield transport
    await transport.close()


@pytest.fixture
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop complains about, such as exceptions that nobody retrieved; it must be nothing."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    yield found
    gc.collect()
    assert found == []
