"""What remains when the simulator was closed."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from hourlyclicks.simulator import Drip, Hang, Late, Rule, Script, Simulator

if TYPE_CHECKING:
    from hourlyclicks.simulator import Fault

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


@pytest.mark.parametrize("fault", [Late(3600), Drip(3600), Hang()], ids=str)
def test_no_fault_holds_up_the_end(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is long in coming does not keep the simulator from closing: no grace is needed."""
    monkeypatch.setattr("hourlyclicks.simulator.listener._GRACE", PATIENCE)
    with Simulator.in_thread(faults=Script(Rule(fault))) as simulator:
        url = URL(simulator.url)
        with socket.create_connection((url.host or "", url.port or 0), PATIENCE) as connection:
            connection.sendall(b"GET /api/statistics/v2/clicks-by-hour HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while simulator.counters.requests == 0:
                connection.settimeout(0.01)
                with suppress(TimeoutError):
                    connection.recv(1)
            began = time.monotonic()
    assert time.monotonic() - began < PATIENCE / 2
