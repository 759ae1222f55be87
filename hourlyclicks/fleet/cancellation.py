"""What becomes of a run whose task is cancelled, as engines do it when a worker shuts down."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from hourlyclicks.model.fleet_report import FleetReport


async def stopping_when_cancelled(run: Coroutine[Any, Any, FleetReport], stop: asyncio.Event) -> FleetReport:
    """Await a run; if this is cancelled, stop the run first, which keeps the answers to requests in flight.

    A cancelled request may still arrive, so its account would have to wait for it in the next process.
    Engines cancel more than once when they shut down. The run ends after the time of a request in any case,
    so further cancellations wait for that, too.

    Args:
        run: the run.
        stop: stops it.

    Raises:
        asyncio.CancelledError: this was cancelled, and the run has ended.
    """
    work = asyncio.create_task(run)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # so that it is not reported as never retrieved
        raise
