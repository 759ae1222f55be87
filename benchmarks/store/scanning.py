"""The memory and the processor time of a scan by way of Arrow, of few targets and of many.

Each batch is added up and dropped, as a consumer does that writes files or sends rows. So what is left is the
client, pyarrow, and the series that is being read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.processes import MIB, fresh, knows_memory, peak
from benchmarks.results import NO_MEMORY, Claim, Section, Table
from benchmarks.store.large import HOURS, YEAR, stock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FEW, MANY = 20, 1_000
"""Targets, each with a year."""
MOST = 1.3
"""Times the memory of few targets."""
MOST_AN_HOUR = 3.0
"""Microseconds."""


class Scanned(NamedTuple):
    """What a scan took.

    Args:
        peak: the bytes that the process had in memory at most.
        seconds: of processor time.
        rows: how many hours were read.
        clicks: their sum.
    """

    peak: int
    seconds: float
    rows: int
    clicks: int


def scanned(path: Path) -> Scanned:
    """Read all of a store, a batch at a time."""
    import pyarrow.compute as pc  # noqa: PLC0415 - it counts in the process that is measured, and only there

    from hourlyclicks import scan  # noqa: PLC0415 - as above

    began = time.process_time()
    rows = clicks = 0
    for batch in scan(path, timezone="Europe/Berlin").reader():
        rows += batch.num_rows
        clicks += pc.sum(batch["clicks"]).as_py()
    return Scanned(peak(), time.process_time() - began, rows, clicks)


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure with files in a folder; a quick run has a tenth of the targets, and the same bounds."""
    if not knows_memory():
        return NO_MEMORY
    many = MANY // 10 if quick else MANY
    say(f"a scan of {many:,} targets")
    found = {targets: fresh(scanned, stock(folder / str(targets), targets)) for targets in (FEW, many)}
    for targets, each in found.items():
        assert each.rows == targets * YEAR * HOURS
    cost = found[many].seconds / found[many].rows * 1e6
    rows = tuple(
        (
            f"{targets:,} targets, {each.rows:,} hours",
            f"{each.peak / MIB:.1f}",
            f"{each.seconds:.1f}",
            f"{each.seconds / each.rows * 1e6:.2f}",
        )
        for targets, each in found.items()
    )
    head = ("", "MiB at most", "seconds", "microseconds an hour")
    return Section(
        (Table("A scan by way of Arrow, batch by batch", head, rows),),
        (
            Claim(
                f"memory of a scan of {many:,} targets, times that of {FEW}",
                found[many].peak / found[FEW].peak,
                MOST,
            ),
            Claim("microseconds to scan an hour", cost, MOST_AN_HOUR),
        ),
        {"scans": {str(targets): each._asdict() for targets, each in found.items()}},
    )
