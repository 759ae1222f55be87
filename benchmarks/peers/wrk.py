"""How fast the server answers when it is asked by something much faster than Python: wrk.

A contender can only be told from another while the server is not what holds it up.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from urllib.parse import urlencode

from benchmarks.peers.slices import DOMAIN, FIRST, HEADERS, LINK, PATH

_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_TROUBLE = re.compile(r"^\s*(Non-2xx or 3xx responses: .*|Socket errors: .*)$", re.MULTILINE)


class WrkError(Exception):
    """wrk could not measure."""


def ask(base: str, *, seconds: int, core: int | None) -> float:
    """Return how many requests the server answers a second.

    Args:
        base: the server.
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
    command = [wrk, "-t1", "-c10", f"-d{seconds}s", *headers, f"{base}{PATH}?{query}"]
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 30)  # noqa: S603 - wrk, found above
    found, trouble = _RATE.search(done.stdout), _TROUBLE.search(done.stdout)
    if done.returncode or trouble or found is None:
        raise WrkError(f"wrk ends with {done.returncode}: {trouble[1] if trouble else done.stderr.strip()}")
    return float(found[1])
