"""The first day and the import: a tiny run of each, and the tables of the figures."""

from __future__ import annotations

from subprocess import CalledProcessError
from typing import TYPE_CHECKING

import pytest

from benchmarks.footprint import first, imports
from benchmarks.footprint.child import join, run
from benchmarks.peers.upstream import find_nginx, upstream
from benchmarks.results import Claim, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Run nginx."""
    if find_nginx() is None:
        pytest.skip("nginx is not installed")
    with upstream() as url:
        yield url


@pytest.mark.parametrize("way", first.WAYS)
async def test_the_first_day_is_timed(way: str, base: str) -> None:
    """There is a cold question, some with a new client, and some that follow."""
    times = await first.found(first.WAYS[way], base, new=2, warm=3)
    assert {state: len(each) for state, each in times.items()} == {"cold": 1, "new": 2, "warm": 3}
    assert all(seconds > 0 for each in times.values() for seconds in each)


def test_a_fresh_process_asks_as_often(base: str) -> None:
    """The module can be run."""
    times = run("benchmarks.footprint.first", "day", "--base", base)
    assert {state: len(each) for state, each in times.items()} == {
        "cold": 1,
        "new": first.NEW,
        "warm": first.WARM,
    }


def test_the_first_day_is_compared_round_by_round() -> None:
    """The ratio is that of the medians of a round."""
    slow, fast = ({"cold": [4.0], "new": [1.0, 2.0, 9.0], "warm": [each]} for each in (3.0, 1.0))
    said = first.told(
        [{"bare": fast, "day": slow, "stream": fast}, {"bare": slow, "day": slow, "stream": fast}]
    )
    head, warm = ("`day`", "`stream`"), [row[3] for row in said.tables[1].rows]
    assert tuple(row[0] for row in said.tables[1].rows) == head
    assert warm == ["2.00 (1.00–3.00)", "0.67 (0.33–1.00)"]  # noqa: RUF001 - a range


def test_an_import_takes_time() -> None:
    """The time is that of an interpreter that ran the statement."""
    assert imports.cpu_seconds("pass") > 0
    with pytest.raises(CalledProcessError):
        imports.cpu_seconds("raise SystemExit(1)")


def test_imports_are_compared_round_by_round() -> None:
    """Ratios are taken in each round; without valgrind nothing is claimed."""
    times = {statement: [0.25, 0.25, 0.25] for statement in imports.STATEMENTS}
    times[imports.AIOHTTP] = [1.0, 2.0, 4.0]
    times[imports.CLIENT] = [1.0, 3.0, 8.0]
    assert imports.ratios(times, imports.CLIENT) == [1.0, 1.5, 2.0]
    assert imports.told(times, {}).claims == ()


def test_what_an_interpreter_costs_by_itself_is_left_out() -> None:
    """The claim is about the instructions above those of `pass`."""
    times = {statement: [1.0] for statement in imports.STATEMENTS}
    counts = dict(zip(imports.STATEMENTS, (40, 140, 50, 190), strict=True))
    (claim,) = imports.told(times, counts).claims
    assert (claim.measured, claim.holds) == (1.5, False)


def test_sections_are_joined() -> None:
    """Tables, claims and remarks follow one another; figures stand under the names of the parts."""
    table, claim = Table("a", ("b",), ()), Claim("c", 1, 2)
    one = Section("one", (table,), (claim,), {"x": 1}, ("first",))
    two = Section("two", (), (), {"y": 2}, ("second",))
    whole = join("whole", {"one": one, "two": two})
    assert whole == Section(
        "whole", (table,), (claim,), {"one": {"x": 1}, "two": {"y": 2}}, ("first", "second")
    )
