"""Run the backfills of many accounts on the Dask cluster of a scheduler that is named by its address."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError
from hourlyclicks.fleet.dask import backfill_async
from hourlyclicks.model.extras import needing

if TYPE_CHECKING:
    from hourlyclicks.fleet.keys import KeyRef
    from hourlyclicks.fleet.sources import Jobs
    from hourlyclicks.model.fleet_report import FleetReport

PATIENCE = 10.0
"""Seconds in which the scheduler must answer."""


async def backfill_at(
    scheduler: str,
    jobs: Jobs,
    store: KeyRef,
    *,
    patience: float = PATIENCE,
    **options: Any,  # noqa: ANN401 - those of `backfill_async`
) -> FleetReport:
    """Fetch the days of many accounts on the workers of a cluster; see `backfill_async`.

    Args:
        scheduler: the address of the scheduler, such as ``"tcp://10.0.0.5:8786"``.
        jobs: the accounts.
        store: a reference to the store.
        patience: the seconds in which the scheduler must answer.
        options: the other options of `backfill_async`.

    Raises:
        UsageError: distributed is not installed, or no scheduler answers at the address.
        HourlyClicksError: as for `backfill_async`.
    """
    with needing("distributed", extra="dask"):
        import distributed  # noqa: PLC0415 - an extra
    client = distributed.Client(scheduler, asynchronous=True, timeout=patience, set_as_default=False)
    try:
        await client
    except (OSError, ValueError) as error:  # a time-out is an OSError, a wrong address a ValueError
        with suppress(Exception):  # it has nothing that could be lost
            await client.close(timeout=patience)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"no scheduler of Dask answers at {scheduler}: {reason}") from None
    async with client:
        return await backfill_async(client, jobs, store, **options)
