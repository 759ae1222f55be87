"""What it costs to keep days in a SQLite file, to read them, and to find that none is missing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from benchmarks.footprint.child import join
from benchmarks.store import commits, heartbeat, memory, reading, resume, sharing

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.results import Section

_PARTS = (commits, reading, resume, heartbeat, memory, sharing)
_REMARK = "PostgreSQL is not measured here; the tests hold it to the same rules as the file."


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all of it, with files in a temporary folder.

    Args:
        quick: whether fewer days and rounds will do, in some 10 seconds.
        say: told what begins.
    """
    parts = {part.__name__.rpartition(".")[2]: part for part in _PARTS}
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        sections = {name: part.section(Path(folder), quick=quick, say=say) for name, part in parts.items()}
    joined = join("store", sections)
    return attrs.evolve(joined, remarks=(*joined.remarks, _REMARK))
