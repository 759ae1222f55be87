"""Imports that a run may need and most runs never do; they are done when the first call begins.

Imports that wait for the first failure make a package quick to import. But a run may take hours, in which
its environment can be upgraded, removed or run out of file descriptors; then an import in the middle fails.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hourlyclicks import jobs
from hourlyclicks.fetching.retry import load_tenacity
from hourlyclicks.wire.decode import load_converter

_OF_OTHERS = (
    "concurrent.futures.thread",  # asyncio resolves names in threads
    "encodings.idna",  # names of hosts
    "netrc",  # aiohttp, with trust_env
)
"""Modules that the standard library and aiohttp import when they first need them."""

_OF_OURS = (
    "hourlyclicks.events.event",
    "hourlyclicks.events.records",
    "hourlyclicks.fetching.range_fetcher",  # for further clients
)
"""Modules of this package that wait for the first event, or that only some clients need."""


@cache
def load_all() -> None:
    """Import everything that a run may need, with all jobs: most clients make only a few kinds of calls."""
    calls = [f"{jobs.__name__}.{module.name}" for module in iter_modules(jobs.__path__)]
    for name in (*_OF_OTHERS, *_OF_OURS, *calls):
        import_module(name)
    load_tenacity()
    load_converter()
