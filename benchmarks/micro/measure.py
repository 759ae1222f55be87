"""The part "micro": the instructions that a day costs, and the time that single steps take."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING, Any

from benchmarks import timings
from benchmarks.micro import instructions
from benchmarks.micro.instructions import Case, count_all, medians, prices
from benchmarks.peers.contenders import CONTENDERS
from benchmarks.results import Claim, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNTED = ("tuned_msgspec", "tuned_orjson", "ours", "tuned", "ours_plain", "naive")
BOUNDS = {("ours", "tuned_msgspec"): 0.80, ("ours_plain", "tuned"): 0.90}
"""Ours, and an aiohttp loop with every known trick that has the same decoder; to claim more, add a line."""
APART = 0.01
CONCURRENCY = 3
OTHERS = (1, 10)
ROUNDS = 2
QUICK_DAYS, DAYS = (50, 150), (100, 500)


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Count instructions and take the timings.

    Args:
        quick: count two contenders once, for few days; take each timing for a moment.
        say: told of each longer step as it begins.
    """
    remarks = []
    counts: list[dict[str, Any]] = []
    if lacking := instructions.missing():
        remarks.append(f"Instructions were not counted: {lacking} must be installed.")
    else:
        counts = list(count_all(_cases(quick=quick), QUICK_DAYS if quick else DAYS, say))
        if quick:
            remarks.append("A quick run counts instructions of two contenders only, and each once.")
    say("timing single steps")
    taken = timings.take("micro", quick=quick)
    return Section(
        (*([_prices(counts)] if counts else []), *timings.tables(taken, "Microseconds", 1e6)),
        tuple(_claims(counts)),
        {"instructions": counts, "timings": [each.figures() for each in taken]},
        tuple(remarks),
    )


def _cases(*, quick: bool) -> list[Case]:
    pair = next(iter(BOUNDS))
    if quick:
        return [Case(contender, CONCURRENCY) for contender in pair]
    once = [*itertools.product(COUNTED, (CONCURRENCY,)), *itertools.product(pair, OTHERS)]
    return [Case(*each, round=round_) for round_ in range(ROUNDS) for each in once]


def _prices(counts: list[dict[str, Any]]) -> Table:
    """Return the price of a day by contender and concurrency."""
    found = medians(counts)
    columns = sorted({concurrency for _, concurrency in found})
    rows = []
    for contender in dict.fromkeys(name for name, _ in found):
        cells = (found.get((contender, concurrency)) for concurrency in columns)
        shown = ("" if price is None else f"{price / 1000:,.0f}" for price in cells)
        rows.append((CONTENDERS[contender].label, *shown))
    head = ("contender", *(f"concurrency {concurrency}" for concurrency in columns))
    return Table("Thousands of instructions in user space for one day", head, tuple(rows))


def _claims(counts: list[dict[str, Any]]) -> Iterator[Claim]:
    found = medians(counts)
    for (ours, peer), bound in BOUNDS.items():
        for concurrency in sorted({number for name, number in found if name == ours}):
            pair = f"{CONTENDERS[ours].label} / {CONTENDERS[peer].label}"
            ratio = found[ours, concurrency] / found[peer, concurrency]
            yield Claim(f"instructions for a day, {pair}, concurrency {concurrency}", ratio, bound)
    apart = [
        (max(rounds) - min(rounds)) / statistics.median(rounds)
        for rounds in prices(counts).values()
        if len(rounds) > 1
    ]
    if apart:
        yield Claim("how far two counts of the same lie apart, as a fraction", max(apart), APART)
