"""A worker process of ``hourlyclicks fleet demo`` that soon takes over the accounts of a killed one.

The usual one waits 13 seconds and not 3, in which a request of the killed one could arrive.
"""

from __future__ import annotations

import asyncio
import sys

from hourlyclicks.cli.demo import fleet_worker
from hourlyclicks.coordination import shared_backend


async def main(url: str, store: str, accounts: str, number: str) -> int:
    """Work as usual, but take requests to be under way for little longer than they may take."""
    shared_backend.MARGIN = 0.2
    return await fleet_worker.main(url, store, int(accounts), int(number))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
