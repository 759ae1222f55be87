"""What the client takes of a machine: memory, tasks, and the time to begin, to end and to be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import timings
from benchmarks.footprint import first, imports, memory, tasks
from benchmarks.instant import CENTURY
from benchmarks.results import Claim, Section, joined

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CANCELLING = 0.050
"""Seconds, in the worst round."""


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all of it.

    Args:
        quick: whether fewer days and rounds will do.
        say: told what begins.
    """
    parts = {"memory": memory.section, "tasks": tasks.section, "cancelling": _cancelling}
    parts |= {"first": first.section, "imports": imports.section}
    return joined({name: section(quick=quick, say=say) for name, section in parts.items()})


def _cancelling(*, quick: bool, say: Callable[[str], None]) -> Section:
    say(f"cancelling {CENTURY:,} days")
    taken = timings.take("footprint", quick=quick)
    text = f"seconds to cancel a `fetch` of {CENTURY:,} days, at most"
    return Section(
        tables=tuple(timings.tables(taken, "Milliseconds", 1e3)),
        claims=(Claim(text, max(taken[0].seconds), MOST_CANCELLING),),
        figures={"timings": [each.figures() for each in taken]},
    )
