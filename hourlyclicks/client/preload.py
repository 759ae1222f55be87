"""Imports that a run may need and most runs never do; they are done when the first call begins.

Imports that wait for the first failure make a package quick to import. But a run may take hours, in which
its environment can be upgraded, removed or run out of file descriptors; then an import in the middle fails.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from hourlyclicks.fetching.retry import load_tenacity
from hourlyclicks.wire.decode import load_converter

_OF_OTHERS = (
    "concurrent.futures.thread",  # asyncio resolves names in threads
    "encodings.idna",  # names of hosts
    "netrc",  # aiohttp, with trust_env
)
"""Modules that the standard library and aiohttp import when they first need them."""

_OF_CALLS = (
    "hourlyclicks.events.event",
    "hourlyclicks.events.records",
    "hourlyclicks.fetching.range_fetcher",  # of further clients
    "hourlyclicks.jobs.audit",
    "hourlyclicks.jobs.backfill",
    "hourlyclicks.jobs.backfill_targets",
    "hourlyclicks.jobs.client_state",
    "hourlyclicks.jobs.daily",
    "hourlyclicks.jobs.estimate",
    "hourlyclicks.jobs.gaps",
    "hourlyclicks.jobs.lists",
    "hourlyclicks.jobs.range_work",
    "hourlyclicks.jobs.server_ranges",
    "hourlyclicks.jobs.sums_in_flight",
    "hourlyclicks.jobs.target_feed",
    "hourlyclicks.jobs.widening",
)
"""Modules of this package that only some calls of a client need, or that wait for the first event."""


@cache
def load_all() -> None:
    """Import everything that a run may need."""
    for name in (*_OF_OTHERS, *_OF_CALLS):
        import_module(name)
    load_tenacity()
    load_converter()
