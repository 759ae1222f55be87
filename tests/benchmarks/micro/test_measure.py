"""The section compares ours with the loop that has the same decoder, and names what was not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.micro import instructions, measure, timings
from benchmarks.micro.instructions import Case

if TYPE_CHECKING:
    from collections.abc import Callable


def ignore(_: str) -> None:
    """Ignore the progress."""


def returning(value: object) -> Callable[..., Any]:
    """Return a function that returns a value, whatever it is called with."""
    return lambda *_, **__: value


def count(contender: str, price: float) -> dict[str, Any]:
    """Return the result of a case."""
    return {"contender": contender, "concurrency": 3, "per_day": price}


def test_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is compared with the loop that has the same decoder, and with itself."""
    counts = [
        *(count("ours", price) for price in (110.0, 112.2)),
        *(count("tuned_msgspec", 100.0) for _ in range(2)),
        count("naive", 300.0),
    ]
    monkeypatch.setattr(instructions, "missing", returning(None))
    monkeypatch.setattr(timings, "missing", returning("pytest-benchmark"))
    monkeypatch.setattr(measure, "count_all", returning(counts))
    section = measure.measure(quick=False, say=ignore)
    ratio, apart = section.claims
    assert ratio.text == (
        "instructions for a day, hourlyclicks[speedups] / aiohttp, every trick, msgspec, concurrency 3"
    )
    assert ratio.measured == pytest.approx(1.111)
    assert ratio.holds
    assert apart.measured == pytest.approx(2.2 / 111.1)
    assert not apart.holds
    assert section.figures == {"instructions": counts, "timings": []}
    assert section.remarks == ("Single steps were not timed: pytest-benchmark must be installed.",)


def test_the_section_without_valgrind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be counted is left out with a remark, and the rest is there."""
    taken = [{"work": "merge a day", "way": "ours", "median": 2e-6, "least": 1.5e-6, "rounds": 9}]
    monkeypatch.setattr(instructions, "missing", returning("valgrind"))
    monkeypatch.setattr(timings, "missing", returning(None))
    monkeypatch.setattr(timings, "take", returning(taken))
    section = measure.measure(quick=True, say=ignore)
    assert section.claims == ()
    assert section.remarks == ("Instructions were not counted: valgrind must be installed.",)
    (table,) = section.tables
    assert table.rows == (("merge a day: ours", "2.00", "1.50"),)


def test_a_quick_run_counts_little() -> None:
    """Two cases when it has to be quick; else every contender and concurrency, each twice."""
    assert measure._cases(quick=True) == [Case("ours", 3), Case("tuned_msgspec", 3)]
    whole = measure._cases(quick=False)
    assert len(whole) == len(set(whole)) == 2 * (6 + 4)
