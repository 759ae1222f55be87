"""What is made of a contest: a table for each concurrency, and what had been claimed."""

from __future__ import annotations

import statistics
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

import attrs

from benchmarks.peers.environments import Missing
from benchmarks.results import Claim, Table, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.peers.contest import Contender, Outcome, Run

Figure: TypeAlias = "Callable[[Run], float]"

TIMES = "×"  # noqa: RUF001 - the sign that means it
SPEED: Figure = attrgetter("speed")
CPU: Figure = attrgetter("cpu")
OURS, PLAIN, NAIVE = "ours", "ours_plain", "naive"
HEAD = ("contender", "days/s", f"{TIMES} by hand", "CPU µs/day", f"CPU {TIMES} by hand", "peak RSS MiB")
_LONGEST = 100


@attrs.frozen
class Bound:
    """What is claimed of one contender beside another: a multiple of its speed at least, of its CPU at most.

    Args:
        contender: the one.
        other: the other.
        figure: what is compared.
        bound: the multiple.
        concurrencies: at which concurrencies it is claimed.
    """

    contender: str
    other: str
    figure: Figure
    bound: float
    concurrencies: tuple[int, ...] = (3, 10, 50)


BOUNDS = (
    Bound(OURS, NAIVE, SPEED, 1.10, (1,)),
    Bound(OURS, NAIVE, SPEED, 1.20),
    Bound(OURS, NAIVE, CPU, 0.83, (1, 3, 10, 50)),
    Bound(PLAIN, NAIVE, SPEED, 1.05, (1, 3, 10, 50)),
    Bound(PLAIN, NAIVE, CPU, 0.95, (1, 3, 10, 50)),
    Bound(OURS, "obvious", SPEED, 1.6),
    Bound(OURS, "httpx_loop", SPEED, 4.0),
    Bound(OURS, "requests_threads", SPEED, 3.0),
    Bound(OURS, "niquests_loop", SPEED, 3.0),
    Bound(OURS, "dlt_source", SPEED, 10.0),
    Bound(OURS, "airbyte_source", SPEED, 10.0),
)


def table(outcome: Outcome, concurrency: int, title: str) -> Table:
    """Return what all contenders took at a concurrency; who could not be measured has the reason instead."""
    rows = [
        (_name(outcome, contender, concurrency), *_cells(outcome, contender, concurrency))
        for contender in outcome.contenders
    ]
    return Table(title, HEAD, tuple(rows))


def _name(outcome: Outcome, contender: Contender, concurrency: int) -> str:
    """Return what stands in the first column: who took fewer rounds says so."""
    runs = len(outcome.of(contender.name, concurrency))
    if contender.rounds is None or not runs:
        return contender.label
    return f"{contender.label} ({runs} round{'s' if runs > 1 else ''})"


def _cells(outcome: Outcome, contender: Contender, concurrency: int) -> tuple[str, ...]:
    """Return what stands in the other columns."""
    runs = outcome.of(contender.name, concurrency).values()
    if not runs:
        return (_reason(outcome, contender, concurrency), *[""] * (len(HEAD) - 2))
    cells = []
    for figure, show in ((SPEED, "{:,.0f}"), (CPU, "{:,.0f}")):
        ratios = outcome.ratios(contender.name, NAIVE, concurrency, figure)
        cells += [spread(map(figure, runs), show.format), spread(ratios, "{:.2f}".format) if ratios else ""]
    memory = statistics.median(run.peak for run in runs)
    return (*cells, f"{memory / 2**20:,.0f}")


def _reason(outcome: Outcome, contender: Contender, concurrency: int) -> str:
    """Say why a contender has no figures."""
    place = outcome.places[contender.environment]
    if isinstance(place, Missing):
        return _cell(place.reason)
    failed = (
        failure.reason
        for failure in outcome.failures
        if (failure.contender, failure.concurrency) == (contender.name, concurrency)
    )
    return _cell(f"failed: {next(failed, 'not run')}")


def _cell(text: str) -> str:
    """Return a text that breaks no table."""
    return text.replace("|", "/")[:_LONGEST]


def bounds(concurrencies: Sequence[int]) -> Iterator[tuple[Bound, int]]:
    """Yield what is claimed, for each of some concurrencies."""
    for bound in BOUNDS:
        for concurrency in concurrencies:
            if concurrency in bound.concurrencies:
                yield bound, concurrency


def claims(outcome: Outcome, concurrencies: Sequence[int]) -> Iterator[Claim]:
    """Yield all claims that can be held to what was measured; figures are the medians of `Outcome.ratios`."""
    for bound, concurrency in bounds(concurrencies):
        ratios = outcome.ratios(bound.contender, bound.other, concurrency, bound.figure)
        if ratios:
            faster = bound.figure is SPEED
            pair = f"{outcome.label(bound.contender)} / {outcome.label(bound.other)}"
            text = f"{'days/s' if faster else 'CPU'}, {pair}, concurrency {concurrency}"
            yield Claim(text, statistics.median(ratios), bound.bound, at_least=faster)
