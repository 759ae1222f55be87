"""The protocol of the connections of the fast path: aiohttp's own, which does less for each answer.

For each read, asyncio's transport of a plain socket allocates 256 KiB and shrinks them to what has arrived.
In a small process the C library maps this memory and unmaps it every time, which costs as much as to parse a
day. A protocol that is also an `asyncio.BufferedProtocol` provides the memory instead. With TLS, asyncio has
such a buffer itself.

After every body, aiohttp lets its parser and its transport resume, although only a large body pauses them.
Here they resume after a pause.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

_SIZE = 1 << 16


def receivers(
    factory: functools.partial[ResponseHandler], *, buffered: bool
) -> functools.partial[ResponseHandler]:
    """Return a factory of such protocols, made from that of a connector.

    Args:
        factory: makes protocols of aiohttp.
        buffered: whether each receives into a buffer of its own.
    """
    several = _receivers(factory.func)
    return functools.partial(several[buffered], *factory.args, **factory.keywords)


@functools.cache
def _receivers(base: type[ResponseHandler]) -> tuple[type[ResponseHandler], type[ResponseHandler]]:
    class Receiver(base):  # type: ignore[valid-type, misc]  # aiohttp's own
        def resume_reading(self, **how: bool) -> None:  # releases of aiohttp differ in what they pass
            if self._reading_paused:
                super().resume_reading(**how)

    class BufferedReceiver(Receiver, asyncio.BufferedProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._received = memoryview(bytearray(_SIZE))
            super().connection_made(transport)

        def get_buffer(self, sizehint: int) -> memoryview:
            del sizehint
            return self._received

        def buffer_updated(self, nbytes: int) -> None:
            self.data_received(bytes(self._received[:nbytes]))

    return Receiver, BufferedReceiver
