"""How fast the server answers when it is asked by something much faster than Python: wrk.

A contender can only be told from another while the server is not what holds it up.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.peers.slices import DOMAIN, FIRST, HEADERS, LINK, PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_TROUBLE = re.compile(r"^\s*(Non-2xx or 3xx responses: .*|Socket errors: .*)$", re.MULTILINE)


class WrkError(Exception):
    """wrk could not measure."""


def ask(base: str, *, concurrency: int, seconds: int, core: int | None) -> float:
    """Return how many requests the server answers a second.

    Args:
        base: the server.
        concurrency: how many requests are under way.
        seconds: how long to ask.
        core: the core that wrk may use; ``None`` for any.

    Raises:
        WrkError: wrk is not installed, or does not get what it asks for.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise WrkError("wrk is not installed (on Debian: apt-get install wrk)")
    query = urlencode({"ymd": FIRST.isoformat(), "linkId": LINK, "domain": DOMAIN})
    headers = [word for name, value in HEADERS.items() for word in ("-H", f"{name}: {value}")]
    command = [wrk, "-t1", f"-c{concurrency}", f"-d{seconds}s", *headers, f"{base}{PATH}?{query}"]
    with _pinned(core):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 30)  # noqa: S603 - wrk, found above
    if done.returncode:
        raise WrkError(f"wrk ends with {done.returncode}: {done.stderr.strip()}")
    return rate(done.stdout)


def rate(said: str) -> float:
    """Return the requests a second out of what wrk says.

    Raises:
        WrkError: it says nothing about them, or that some failed.
    """
    trouble = _TROUBLE.search(said)
    if trouble:
        raise WrkError(trouble[1])
    found = _RATE.search(said)
    if found is None:
        raise WrkError("wrk tells no rate")
    return float(found[1])


@contextmanager
def _pinned(core: int | None) -> Iterator[None]:
    """Start children on one core: they inherit it, and so do the threads that they start."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
