"""The part "micro": the instructions that a day costs, and the time that single steps take."""

from __future__ import annotations

import itertools
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.micro import instructions, timings
from benchmarks.micro.instructions import Case, count_all, middle, prices_of
from benchmarks.peers.measure import CONTENDERS as PEERS
from benchmarks.results import Claim, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENDERS = ("tuned_msgspec", "tuned_orjson", "ours", "tuned", "ours_plain", "naive")
PAIRS = (("ours", "tuned_msgspec"), ("ours_plain", "tuned"))
"""Ours, and an aiohttp loop with every known trick that has the same decoder; modules of the peers."""
LABELS = {peer.name: peer.label for peer in PEERS}
MOST = 1.12
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
    taken: list[dict[str, Any]] = []
    if lacking := instructions.missing():
        remarks.append(f"Instructions were not counted: {lacking} must be installed.")
    else:
        began = time.monotonic()
        counts = list(count_all(_cases(quick=quick), QUICK_DAYS if quick else DAYS, say))
        say(f"counted instructions in {time.monotonic() - began:.0f} s")
    if quick and counts:
        remarks.append("A quick run counts instructions of two contenders only, and each once.")
    if lacking := timings.missing():
        remarks.append(f"Single steps were not timed: {lacking} must be installed.")
    else:
        say("timing single steps")
        taken = timings.take(quick=quick)
    tables = [
        *([_prices(counts)] if counts else []),
        *([timings.table(taken)] if taken else []),
    ]
    figures = {"instructions": counts, "timings": taken}
    return Section("micro", tuple(tables), _claims(counts), figures, tuple(remarks))


def _cases(*, quick: bool) -> list[Case]:
    if quick:
        return [Case(contender, CONCURRENCY) for contender in PAIRS[0]]
    further = itertools.product(PAIRS[0], OTHERS)
    once = [*((contender, CONCURRENCY) for contender in CONTENDERS), *further]
    return [Case(*each, round=round_) for round_ in range(ROUNDS) for each in once]


def _prices(counts: list[dict[str, Any]]) -> Table:
    """Return the price of a day by contender and concurrency."""
    columns = sorted({count["concurrency"] for count in counts})
    rows = []
    for contender in dict.fromkeys(count["contender"] for count in counts):
        prices = [middle(counts, contender, concurrency) for concurrency in columns]
        rows.append(
            (LABELS[contender], *("" if price is None else f"{price / 1000:,.0f}" for price in prices))
        )
    head = ("contender", *(f"concurrency {concurrency}" for concurrency in columns))
    return Table("Thousands of instructions in user space for one day", head, tuple(rows))


def _claims(counts: list[dict[str, Any]]) -> tuple[Claim, ...]:
    claims = []
    for ours, peer in PAIRS:
        for concurrency in sorted({count["concurrency"] for count in counts}):
            mine, its = middle(counts, ours, concurrency), middle(counts, peer, concurrency)
            if mine is not None and its is not None:
                text = f"instructions for a day, {LABELS[ours]} / {LABELS[peer]}, concurrency {concurrency}"
                claims.append(Claim(text, mine / its, MOST))
    apart = spread_of_rounds(counts)
    if apart is not None:
        claims.append(Claim("how far two counts of the same lie apart, as a fraction", apart, APART))
    return tuple(claims)


def spread_of_rounds(counts: list[dict[str, Any]]) -> float | None:
    """Return how far the rounds of any one case lie apart at most, as a fraction of their median.

    ``None`` when nothing was counted twice.
    """
    cases = dict.fromkeys((count["contender"], count["concurrency"]) for count in counts)
    rounds = [prices_of(counts, *case) for case in cases]
    return max(
        ((max(prices) - min(prices)) / statistics.median(prices) for prices in rounds if len(prices) > 1),
        default=None,
    )
