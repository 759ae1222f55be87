"""What the client takes of a machine: memory, tasks, and the time to begin, to end and to be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.footprint import cancelling, first, imports, memory, tasks
from benchmarks.footprint.child import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.results import Section


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all of it.

    Args:
        quick: whether fewer days and rounds will do, in some 15 seconds.
        say: told what begins.
    """
    parts = {part.__name__.rpartition(".")[2]: part for part in (memory, tasks, cancelling, first, imports)}
    return join("footprint", {name: part.section(quick=quick, say=say) for name, part in parts.items()})
