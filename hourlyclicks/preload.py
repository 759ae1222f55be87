"""What a run can need and most runs never do: it is imported when the first call begins.

Imports that wait for the first failure make a package quick to import. But a run may take hours, in which
its environment can be upgraded, removed or run out of file descriptors; then the import fails in the middle.
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
"""What the standard library and aiohttp import when they first need it."""


@cache
def load_all() -> None:
    """Import everything that a run can come to need."""
    for name in _OF_OTHERS:
        import_module(name)
    load_tenacity()
    load_converter()
