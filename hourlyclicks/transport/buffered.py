"""Receive into a buffer that is used again.

For each read, asyncio's transport of a plain socket allocates 256 KiB and shrinks them to what has arrived.
In a small process the C library maps this memory and unmaps it every time, which costs as much as to parse a
day. A protocol that is also an `asyncio.BufferedProtocol` provides the memory instead. With TLS, asyncio has
such a buffer itself.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

_SIZE = 1 << 16


def buffered(factory: functools.partial[ResponseHandler]) -> functools.partial[ResponseHandler]:
    """Return a factory of protocols like those of another one, which receive into a buffer each."""
    return functools.partial(_buffered(factory.func), *factory.args, **factory.keywords)


@functools.cache
def _buffered(base: type[ResponseHandler]) -> type[ResponseHandler]:
    class BufferedHandler(base, asyncio.BufferedProtocol):  # type: ignore[valid-type, misc]  # aiohttp's own
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._received = memoryview(bytearray(_SIZE))
            super().connection_made(transport)

        def get_buffer(self, sizehint: int) -> memoryview:
            del sizehint
            return self._received

        def buffer_updated(self, nbytes: int) -> None:
            self.data_received(bytes(self._received[:nbytes]))

    return BufferedHandler
