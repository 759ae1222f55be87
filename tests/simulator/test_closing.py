"""What remains when the simulator was closed."""

from __future__ import annotations

import asyncio
import socket

import pytest
from yarl import URL

from hourlyclicks.simulator import Simulator

PATIENCE = 30.0


@pytest.mark.parametrize("turns", range(7))
async def test_a_connection_accepted_while_it_closes_is_closed_too(turns: int) -> None:
    """At any stage of a new connection during the close, the client sees its end."""
    async with Simulator(limits=()) as simulator:
        url = URL(simulator.url)
        with socket.create_connection((url.host or "", url.port or 0), PATIENCE) as connection:
            for _ in range(turns):
                await asyncio.sleep(0)
            await simulator.__aexit__(None, None, None)
            connection.settimeout(PATIENCE)
            assert await asyncio.to_thread(_rest, connection) == b""


def _rest(connection: socket.socket) -> bytes:
    """Return what a connection still holds; one that was reset holds nothing."""
    try:
        return connection.recv(1)
    except ConnectionError:
        return b""
