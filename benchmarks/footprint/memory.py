"""How much memory days and targets take, each kind of work in a process of its own.

The figures are above what the same client had after it fetched a few days, by which all modules are loaded
that it loads late. Memory is looked at on requests, and again in the end while the result is still held.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.footprint import naive
from benchmarks.instant import CENTURY, CLICKS_A_DAY, CONCURRENCY, Instant, client, days, link
from benchmarks.peers.slices import HOURS
from benchmarks.processes import MIB, fresh, knows_memory, peak, resident
from benchmarks.results import NO_MEMORY, Claim, Section, Table, spread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks import Client

    Work: TypeAlias = Callable[[Instant, Client, int], Awaitable[tuple[object, int]]]
    Growth: TypeAlias = dict[str, Any]
    Rounds: TypeAlias = dict[str, dict[int, list[Growth]]]

DAYS = (1, 30, 365, 3_653, CENTURY)
PEERS_QUICKLY = (3_653,)
QUICKLY = (1, 3_653, CENTURY)
"""The claims are about a hundred years, however little time there is."""
TARGETS = (1, 10, 100, 1_000)
MOST_TOGETHER = 100
MOST_STREAMING = 2.0
"""MiB, whatever the number of days."""
MOST_AN_HOUR = 20.0
"""Bytes of a series."""
_EACH = 30
"""Days of a target."""
_WARM = 5
_LOOKS = 100
_LEAST = 3_653
"""Days; what fewer of them hold is lost among the pages of the heap."""


async def fetch(_: Instant, asking: Client, number: int) -> tuple[object, int]:
    """Fetch days into a series, and hold it."""
    range_ = days(number)
    series = await asking.fetch(range_.start, range_.end, link())
    return series, series.total_clicks


async def stream(_: Instant, asking: Client, number: int) -> tuple[object, int]:
    """Stream days, and hold none."""
    range_, clicks = days(number), 0
    async with asking.stream(range_.start, range_.end, link()) as stream:
        async for day in stream:
            clicks += day.total_clicks
    return None, clicks


async def dicts(upstream: Instant, _: Client, number: int) -> tuple[object, int]:
    """Collect the rows of days by hand, and hold them."""
    rows = await naive.as_dicts(upstream, days(number), CONCURRENCY)
    return rows, sum(row["acesCnt"] for row in rows)


async def arrays(upstream: Instant, _: Client, number: int) -> tuple[object, int]:
    """Collect the figures of days by hand, as thriftily as can be, and hold them."""
    clicks, users = await naive.as_arrays(upstream, days(number), CONCURRENCY)
    return (clicks, users), sum(clicks)


async def targets(_: Instant, asking: Client, number: int) -> tuple[object, int]:
    """Fetch a month of targets, one after another, and hold none."""
    range_, clicks = days(_EACH), 0
    for place in range(number):
        clicks += (await asking.fetch(range_.start, range_.end, link(place))).total_clicks
    return None, clicks


async def together(_: Instant, asking: Client, number: int) -> tuple[object, int]:
    """Fetch a month of targets, all at the same time, and hold none in the end."""
    range_ = days(_EACH)
    fetching = [asking.fetch(range_.start, range_.end, link(place)) for place in range(number)]
    return None, sum(series.total_clicks for series in await asyncio.gather(*fetching))


WORKS: dict[str, Work] = {work.__name__: work for work in (fetch, stream, dicts, arrays, targets, together)}
_NAMES = {
    "fetch": "`fetch`",
    "stream": "`stream`",
    "dicts": "by hand, a list of dicts",
    "arrays": "by hand, two arrays",
    "targets": "one after another",
    "together": "at the same time",
}


def grown(kind: str, number: int) -> Growth:
    """Do a kind of work, and return by how many bytes this process grew; see `growth`."""
    return asyncio.run(growth(kind, number))


async def growth(kind: str, number: int) -> Growth:
    """Do a kind of work, and return by how many bytes this process grew.

    Args:
        kind: one of `WORKS`.
        number: how many days, or how many targets.

    Returns:
        ``most`` that was seen while it ran, ``held`` in the end, ``peak`` as the system has it (which also
        counts what had been given back before), and ``looks``: how much there was after so many requests.
    """
    expected = number * (_EACH if kind in ("targets", "together") else 1)
    looks: list[tuple[int, int]] = []
    upstream = Instant(lambda: looks.append((upstream.asked, resident())), every=max(1, expected // _LOOKS))
    async with client(upstream) as asking:
        await WORKS[kind](upstream, asking, _WARM)
        gc.collect()
        looks.clear()
        upstream.asked = 0
        before = resident()
        result, clicks = await WORKS[kind](upstream, asking, number)
        looks.append((upstream.asked, resident()))
        gc.collect()
        held = resident() - before
        del result
    assert clicks == expected * CLICKS_A_DAY
    assert upstream.asked == expected
    return {
        "most": max(bytes_ for _, bytes_ in looks) - before,
        "held": held,
        "peak": peak() - before,
        "looks": [(asked, bytes_ - before) for asked, bytes_ in looks],
    }


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure days and targets, each in a process of its own."""
    if not knows_memory():
        return NO_MEMORY
    rounds: Rounds = {kind: {} for kind in WORKS}
    for kind, numbers in plan(quick=quick).items():
        for number in numbers:
            say(f"memory: {kind} {number:,}")
            rounds[kind][number] = [fresh(grown, kind, number) for _ in range(1 if quick else 3)]
    largest = max(rounds["stream"])
    streamed = max(max(each["most"], each["held"], each["peak"]) for each in rounds["stream"][largest]) / MIB
    an_hour = _middle(rounds["fetch"][largest], largest)
    return Section(
        tables=(
            _growths("days", rounds, ("fetch", "stream", "dicts", "arrays")),
            _held(rounds),
            _growths("targets", rounds, ("targets", "together"), f" of {_EACH} days, one client"),
        ),
        claims=(
            Claim(f"MiB by which streaming {largest:,} days grows", streamed, MOST_STREAMING),
            Claim(f"bytes an hour that a series of {largest:,} days holds", an_hour, MOST_AN_HOUR),
        ),
        figures=dict(rounds),
        summary=(
            f"A stream of a hundred years takes {streamed:.1f} MiB, a series {an_hour:.1f} bytes an hour.",
        ),
    )


def plan(*, quick: bool) -> dict[str, tuple[int, ...]]:
    """Return the numbers of days or targets with which each kind of work is done."""
    counts = (100,) if quick else TARGETS
    ours, theirs = (QUICKLY, PEERS_QUICKLY) if quick else (DAYS, DAYS)
    return {
        "fetch": ours,
        "stream": ours,
        "dicts": theirs,
        "arrays": theirs,
        "targets": counts,
        "together": tuple(count for count in counts if count <= MOST_TOGETHER),
    }


def _growths(unit: str, rounds: Rounds, kinds: tuple[str, ...], of_what: str = "") -> Table:
    """Return a table of how much was seen at most, against a number of something."""
    numbers = sorted({number for kind in kinds for number in rounds[kind]})
    rows = []
    for kind in kinds:
        found = ([each["most"] / MIB for each in rounds[kind].get(number, ())] for number in numbers)
        rows.append((_NAMES[kind], *(spread(sizes, ".1f") if sizes else "" for sizes in found)))
    title = f"Growth of resident memory in MiB at most, against {unit}{of_what}"
    return Table(title, (unit, *(f"{number:,}" for number in numbers)), tuple(rows))


def _held(rounds: Rounds) -> Table:
    sizes = [size for size in sorted(rounds["fetch"]) if size >= _LEAST]
    rows = [
        (_NAMES[kind], *(f"{_middle(each[size], size):.1f}" if size in each else "" for size in sizes))
        for kind, each in rounds.items()
        if kind in ("fetch", "dicts", "arrays")
    ]
    return Table(
        "Bytes an hour of what is held in the end", ("days", *map("{:,}".format, sizes)), tuple(rows)
    )


def _middle(found: list[Growth], number: int) -> float:
    """Return how many bytes are held for each hour of so many days."""
    return float(statistics.median(each["held"] for each in found)) / (number * HOURS)
