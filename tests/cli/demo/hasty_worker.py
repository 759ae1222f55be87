"""A worker process of ``hourlyclicks fleet demo`` that soon takes over the accounts of a killed one.

The usual one waits 13 seconds, in which a request of the killed one could arrive.
"""

from __future__ import annotations

import asyncio
import sys

from hourlyclicks.cli.demo import fleet_worker
from hourlyclicks.coordination import shared_backend
from hourlyclicks.transport.protocol import Timeout


async def main(url: str, store: str, accounts: str, number: str) -> int:
    """Work as usual, but give up requests after a second, and let them be under way little longer."""
    fleet_worker.TIMEOUT = Timeout(total=1.0, connect=1.0, read=1.0)  # type: ignore[attr-defined]  # a name that it imports
    shared_backend.MARGIN = 0.2
    return await fleet_worker.main(url, store, int(accounts), int(number))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
