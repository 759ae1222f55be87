"""Memory: one tiny run of each kind of work, and the tables of the figures."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.footprint import memory
from benchmarks.footprint.child import run
from benchmarks.footprint.resident import MIB, is_told, resident
from benchmarks.footprint.upstream import CENTURY

pytestmark = pytest.mark.skipif(
    not is_told(), reason="this system does not tell how much memory a process has"
)


def grown(most: float, held: float, peak: float = 0.0) -> dict[str, Any]:
    """Return figures of a run, in MiB."""
    return {"most": most * MIB, "held": held * MIB, "peak": peak * MIB, "looks": []}


def a_hundred_years() -> dict[str, dict[int, list[dict[str, Any]]]]:
    """Return figures of three rounds of one size, and of no targets."""
    each = {"fetch": (15.0, 14.0), "stream": (0.5, 0.25), "dicts": (300.0, 290.0), "arrays": (13.0, 13.0)}
    days = {
        kind: {CENTURY: [grown(most + more, held, more) for more in (0, 1, 2)]}
        for kind, (most, held) in each.items()
    }
    return {**days, "targets": {10: [grown(1, 1)]}, "together": {1: [grown(2, 1)]}}


def test_what_is_resident_is_some_megabytes() -> None:
    """The figure is in bytes, and that of a Python process."""
    assert 5 * MIB < resident() < 4096 * MIB


@pytest.mark.parametrize("kind", memory.WORKS)
async def test_each_kind_of_work_is_done(kind: str) -> None:
    """A few days or targets are fetched, and memory is sampled from the first request to the last."""
    found = await memory.growth(kind, 3)
    asked = [number for number, _ in found["looks"]]
    assert asked[0] == 0
    assert asked[-1] == 3 * (30 if kind in ("targets", "together") else 1)
    assert asked == sorted(asked)
    assert found["most"] == max(held for _, held in found["looks"])


def test_a_fresh_process_tells_the_same_figures() -> None:
    """The module can be run, and a series of ten years is held by a process that grew by it."""
    found = run("benchmarks.footprint.memory", "fetch", 3_653)
    assert found.keys() == {"most", "held", "peak", "looks"}
    assert 10 < found["held"] / (3_653 * 24) < 40


def test_the_claims_are_about_the_most_days() -> None:
    """Streaming is judged by its worst round, a series by what it holds in the end."""
    streaming, an_hour = memory.told(a_hundred_years()).claims
    assert streaming.measured == 2.5
    assert not streaming.holds
    assert an_hour.measured == pytest.approx(14 * MIB / (CENTURY * 24))
    assert an_hour.holds


def test_what_was_not_measured_is_left_empty() -> None:
    """Kinds of different sizes stand in one table."""
    targets = memory.told(a_hundred_years()).tables[2]
    assert targets.head == ("targets", "1", "10")
    assert [row[1:] for row in targets.rows] == [("", "1.0 (1.0–1.0)"), ("2.0 (2.0–2.0)", "")]  # noqa: RUF001 - a range
