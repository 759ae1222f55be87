"""A process that runs an account with the key that other accounts have, too: ``URL STORE NAME DAYS``."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from typing import TYPE_CHECKING

from hourlyclicks import Limits, Rate
from hourlyclicks.fleet import AccountJob, KeyRef, run_jobs
from tests.fleet.engines.accounts import FIRST, key_of, link_of

if TYPE_CHECKING:
    from hourlyclicks.fleet import FleetReport

KEY = "the-key-of-both"


async def run(url: str, store: str, name: str, days: int) -> FleetReport:
    """Run it, under the name of the account."""
    job = AccountJob(
        name,
        key=KeyRef.call("tests.fleet.engines.accounts:key_of", KEY),
        targets=[link_of(name)],
        start=FIRST,
        end=FIRST + dt.timedelta(days=days - 1),
    )
    limits = Limits((Rate(4, 1.0),), guard=0.01)
    return await run_jobs([job], store=store, base_url=url, limits=limits, name=name)


if __name__ == "__main__":
    from tests.fleet.engines import short_leases  # noqa: F401 - a run is seen sooner

    url, store, name, days = sys.argv[1:]
    assert key_of(KEY)
    print(asyncio.run(run(url, store, name, int(days))))  # noqa: T201 - for the test
