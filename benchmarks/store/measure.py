"""What it costs to keep days in a store, to read them, and to find that none is missing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import timings
from benchmarks.results import Claim, Section, joined
from benchmarks.store import exporting, heartbeat, large, memory, scanning, sharing, transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.timings import Timing

REMARKS = (
    "Most of what a commit takes is the disk's, and is another figure on another machine.",
    "Of PostgreSQL only transactions and bytes are measured; the tests hold it to the rules of the file.",
)


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all of it, with files in a temporary folder.

    Args:
        quick: whether fewer days and rounds will do.
        say: told what begins.
    """
    say("keeping, reading and resuming")
    taken = timings.take("store", quick=quick)
    steps = Section(
        tuple(timings.tables(taken, "Milliseconds", 1e3)),
        tuple(_claims(taken)),
        {"timings": [each.figures() for each in taken]},
        (*REMARKS, *_without_pandas(taken)),
    )
    parts = {"steps": steps}
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        for part in (heartbeat, memory, sharing, large, scanning, exporting, transactions):
            name = part.__name__.rpartition(".")[2]
            own = Path(folder, name)
            own.mkdir()
            parts[name] = part.section(own, quick=quick, say=say)
    return joined(parts)


def _claims(taken: list[Timing]) -> Iterator[Claim]:
    """Yield what is claimed of the timings; to claim more, add one here."""
    found = {each.way: each.median for each in taken}
    kept, bare, read = (found[way] for way in ("`SqliteStore.put`", "bare `sqlite3`", "`fetch` from a store"))
    yield Claim("milliseconds to keep a day, in the middle", kept * 1e3, 5)
    yield Claim("milliseconds of them above bare `sqlite3`", (kept - bare) * 1e3, 1)
    yield Claim("days a second from a store", 1 / read, 20_000, at_least=True)
    if "`pandas.read_sql`" in found:
        yield Claim("`fetch` from a store, times `pandas.read_sql`", read / found["`pandas.read_sql`"], 5)
    requests = sum(each.noted.get("requests", 0) for each in taken)
    yield Claim("requests when nothing is missing", requests, 0)


def _without_pandas(taken: list[Timing]) -> Iterator[str]:
    if "`pandas.read_sql`" not in {each.way for each in taken}:
        yield "Reading was not compared with pandas, which is not installed."
