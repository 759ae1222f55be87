"""What most tests of this folder need: a raw server and a transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.transport.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    """A server that answers with figures until told otherwise."""
    async with RawServer() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """A transport with a session of its own."""
    transport = AiohttpTransport(timeout=Timeout())
    yield transport
    await transport.close()
