"""The server of the tests of this folder."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from tests.transport.raw_server import OK, RawServer, Sign

if TYPE_CHECKING:
    from tests.transport.raw_server import Script


@pytest.mark.parametrize(
    "script",
    [[Sign.RESET, OK], [Sign.RESET, Sign.DRIP], [Sign.RESET, Sign.HANG], [Sign.CLOSE, OK], [OK, Sign.DRIP]],
    ids=["reset", "reset, dripping", "reset, hanging", "closed", "dripping"],
)
async def test_a_connection_that_has_ended_is_not_waited_for(script: Script) -> None:
    """Whatever the script still does with it, and also on uvloop, where writing to it raises an error."""
    async with RawServer(script) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            await server.arrivals(1)
            await asyncio.sleep(0)
        await server.deserted()
    assert server.open == 0
