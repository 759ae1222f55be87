"""One measurement, in a process that does nothing else: ``python -m benchmarks.peers.measured …``.

Prints one line of JSON. What is timed is the work from the first line of a contender's ``fetch`` to the last,
without the start of Python and the imports.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.slices import check, days
from benchmarks.processes import peak

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIBRARIES = (
    "aiohttp", "airbyte-cdk", "attrs", "cattrs", "dlt", "httpcore", "httpx", "msgspec", "multidict",
    "niquests", "orjson", "requests", "tenacity", "urllib3", "urllib3-future", "uvloop", "yarl",
)  # fmt: skip


def main() -> None:
    """Do the work, check it, and print what it took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("contender", choices=CONTENDERS)
    options.add_argument("--base", required=True)
    options.add_argument("--days", type=int, required=True)
    options.add_argument("--concurrency", type=int, required=True)
    options.add_argument("--core", type=int)
    options.add_argument("--unchecked", action="store_true", help="when instructions are counted")
    given = options.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    fetch = CONTENDERS[given.contender].load()
    wanted = days(given.days)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    rows = fetch(given.base, wanted, given.concurrency)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    memory = peak()
    if not given.unchecked:
        check(rows, given.days)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    figures = {"wall": seconds, "user": user, "sys": system, "peak": memory}
    print(json.dumps(figures | {"versions": dict(versions())}))


def versions(libraries: Iterable[str] = LIBRARIES) -> Iterator[tuple[str, str]]:
    """Yield those of some libraries that are installed, with their versions."""
    for library in libraries:
        with suppress(PackageNotFoundError):
            yield library, version(library)


if __name__ == "__main__":
    main()
