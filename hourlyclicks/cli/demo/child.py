"""The process that the demonstration kills: a backfill that writes its events to stdout.

Called with the URL of the server, the path of the store, and the first and the last day. Writes a line for
each event.
"""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.cli.demo.settings import LINK, client_of
from hourlyclicks.wire.key import KEY_VARIABLE

if TYPE_CHECKING:
    from hourlyclicks.events import Event

_ORPHANED = 1


def write_event(event: Event) -> None:
    """Write an event as a line; end the process if its parent has ended."""
    try:
        sys.stdout.buffer.write(base64.b64encode(pickle.dumps(event)) + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        os._exit(_ORPHANED)


def read_event(line: bytes) -> Event:
    """Read a line of `write_event`."""
    event: Event = pickle.loads(base64.b64decode(line))  # noqa: S301 - written by our own child
    return event


async def main(url: str, store: str, start: str, end: str) -> None:
    """Fetch the days."""
    async with client_of(os.environ[KEY_VARIABLE], url, Path(store), write_event) as client:
        await client.backfill(start, end, [LINK])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
