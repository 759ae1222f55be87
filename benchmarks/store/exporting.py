"""The memory, the processor time and the size of Parquet and Excel files, of few targets and of many.

Each file is written by a process of its own: by `hourlyclicks export`, and by `Scan.write_parquet`, also with
a file for each month. A Parquet file holds one target at a time in memory, besides its own table of contents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.processes import MIB, fresh, knows_memory, usage
from benchmarks.results import NO_MEMORY, Claim, Section, Table
from benchmarks.store.large import HOURS, YEAR, stock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FEW, MANY = 20, 1_000
"""Targets, each with a year."""
SHEETS = 1, 20
"""The same for Excel, which has no room for more than 119 years."""
MOST = 1.3
"""Times the memory of few targets."""
MOST_AN_HOUR = 3.0
"""Microseconds."""
MOST_A_LINK_YEAR = 40_000
"""Bytes."""

_COMMAND = ("-m", "hourlyclicks", "export", "--store")
_SCAN = "import sys; from hourlyclicks import scan; scan(sys.argv[1]).write_parquet(sys.argv[2]{})"
WAYS = {
    "`export -o x.parquet`": _COMMAND,
    "`scan.write_parquet`": ("-c", _SCAN.format("")),
    "the same, by month": ("-c", _SCAN.format(", partition_by='month'")),
}
"""The ways to write Parquet, and the arguments of the interpreter."""

_WHOLE = next(iter(WAYS))


class Written(NamedTuple):
    """What a file took.

    Args:
        peak: the bytes that the process had in memory at most.
        seconds: of processor time.
        size: the bytes of the file, or of all files of a folder.
    """

    peak: int
    seconds: float
    size: int


def written(words: tuple[str, ...], path: Path, output: Path) -> Written:
    """Write a file of all of a store."""
    last = ("-o", str(output)) if words == _COMMAND else (str(output),)
    used = usage(*words, str(path), *last)
    files = [output] if output.is_file() else [each for each in output.rglob("*") if each.is_file()]
    size = sum(each.stat().st_size for each in files)
    return Written(used.ru_maxrss * 1_024, used.ru_utime + used.ru_stime, size)


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure with files in a folder; a quick run has a tenth of the targets, and the same bounds."""
    if not knows_memory():
        return NO_MEMORY
    many = MANY // 10 if quick else MANY
    say(f"files of {many:,} targets")
    stores = {targets: stock(folder / str(targets), targets) for targets in (*SHEETS, many)}
    found = {
        (way, targets): fresh(written, words, stores[targets], folder / f"{number}-{targets}.parquet")
        for number, (way, words) in enumerate(WAYS.items())
        for targets in (FEW, many)
    }
    found |= {
        ("`export -o x.xlsx`", targets): fresh(written, _COMMAND, stores[targets], folder / f"{targets}.xlsx")
        for targets in SHEETS
    }
    return Section(
        (_table(found),),
        tuple(_claims(found, many)),
        {"files": [[*key, *each] for key, each in found.items()]},
    )


def _table(found: dict[tuple[str, int], Written]) -> Table:
    head = ("", "targets, a year each", "MiB at most", "seconds", "microseconds an hour", "kB a link-year")
    rows = tuple(
        (
            way,
            f"{targets:,}",
            f"{each.peak / MIB:.1f}",
            f"{each.seconds:.1f}",
            f"{each.seconds / (targets * YEAR * HOURS) * 1e6:.2f}",
            f"{each.size / targets / 1_000:.1f}",
        )
        for (way, targets), each in found.items()
    )
    return Table("Files of a store", head, rows)


def _claims(found: dict[tuple[str, int], Written], many: int) -> list[Claim]:
    whole = found[_WHOLE, many]
    memory = [
        Claim(
            f"memory of {way} of {many:,} targets, times that of {FEW}",
            found[way, many].peak / found[way, FEW].peak,
            MOST,
        )
        for way in WAYS
    ]
    return [
        *memory,
        Claim(
            "microseconds to export an hour as Parquet",
            whole.seconds / (many * YEAR * HOURS) * 1e6,
            MOST_AN_HOUR,
        ),
        Claim("bytes of Parquet for a year of a link", whole.size / many, MOST_A_LINK_YEAR),
    ]
