"""Deliveries on a socket: bytes that no HTTP server would send, and connections that end in other ways."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.simulator.delivery import Delivery

_RESET = struct.pack("ii", 1, 0)
_NOTICED = 0.02

_TURNS_TO_ACCEPT = 4
"""The most iterations of the event loop between accepting a connection and calling its protocol."""


async def perform(
    delivery: Delivery, transport: asyncio.Transport, clock: Clock, closing: asyncio.Event
) -> None:
    """Send bytes without the HTTP server, and end the connection as the delivery says.

    Args:
        delivery: the delivery.
        transport: the connection.
        clock: the clock of the pauses between two bytes.
        closing: is set when the simulator closes.
    """
    await _write(delivery, transport, clock, closing)
    if delivery.end == "hang":
        await closing.wait()
    elif delivery.end == "reset":
        # The client must read the sent bytes first.
        await asyncio.sleep(_NOTICED if delivery.wire() else 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    transport.close()


async def _write(
    delivery: Delivery, transport: asyncio.Transport, clock: Clock, closing: asyncio.Event
) -> None:
    wire = delivery.wire()
    if not delivery.drip:
        transport.write(wire)
        return
    for place in range(len(wire)):
        if closing.is_set():
            return
        transport.write(wire[place : place + 1])
        await wait(delivery.drip, clock, closing)


async def wait(seconds: float, clock: Clock, closing: asyncio.Event) -> None:
    """Wait for some seconds, or until the simulator closes."""
    ends = [asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(closing.wait())]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()


async def stop_listening(listener: asyncio.Server) -> None:
    """Stop listening without losing a connection that is being accepted.

    When asyncio calls the protocol of a new connection, its server must be open: otherwise the socket leaks,
    neither closed nor known to aiohttp.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError):  # loops without access to their readers
        for listening in listener.sockets:
            loop.remove_reader(listening.fileno())
    for _ in range(_TURNS_TO_ACCEPT):
        await asyncio.sleep(0)
    listener.close()
