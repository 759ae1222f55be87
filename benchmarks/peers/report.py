"""What is made of a contest: a table for each concurrency, what was claimed, and what must be known."""

from __future__ import annotations

import statistics
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

import attrs

from benchmarks.peers.contenders import CONTENDERS
from benchmarks.results import Claim, Table, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.peers.contest import Contest, Run

Figure: TypeAlias = "Callable[[Run], float]"

TIMES = "×"  # noqa: RUF001 - the sign that means it
SPEED: Figure = attrgetter("speed")
CPU: Figure = attrgetter("cpu")
OURS, PLAIN, NAIVE = "ours", "ours_plain", "naive"
HEAD = ("contender", "days/s", f"{TIMES} by hand", "CPU µs/day", f"CPU {TIMES} by hand", "peak RSS MiB")
ENOUGH = 2.0
"""The server should be able to answer so many times as often as a contender asks."""


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
"""To claim something more, add a line."""


def table(contest: Contest, concurrency: int, title: str) -> Table:
    """Return what all contenders took at a concurrency; one that has no figures has the reason instead."""
    return Table(title, HEAD, tuple(_row(contest, name, concurrency) for name in CONTENDERS))


def _row(contest: Contest, name: str, concurrency: int) -> tuple[str, ...]:
    contender, runs = CONTENDERS[name], contest.of(name, concurrency).values()
    if not runs:
        reason = contest.failures.get(
            (name, concurrency), f"not installed (nox -s peers): {contender.environment}"
        )
        return (contender.label, reason.replace("|", "/")[:100], *[""] * (len(HEAD) - 2))
    fewer = f" ({len(runs)} rounds)" if len(runs) < len(contest.of(NAIVE, concurrency)) else ""
    cells = []
    for figure in (SPEED, CPU):
        ratios = contest.ratios(name, NAIVE, concurrency, figure)
        cells += [spread(map(figure, runs), "{:,.0f}".format), spread(ratios, "{:.2f}".format)]
    return (contender.label + fewer, *cells, f"{statistics.median(run.peak for run in runs) / 2**20:,.0f}")


def claims(contest: Contest, concurrencies: Sequence[int]) -> Iterator[Claim]:
    """Yield all claims that can be held to what was measured; figures are medians of ratios in a round."""
    for bound in BOUNDS:
        for concurrency in concurrencies:
            ratios = contest.ratios(bound.contender, bound.other, concurrency, bound.figure)
            if ratios and concurrency in bound.concurrencies:
                faster = bound.figure is SPEED
                pair = f"{CONTENDERS[bound.contender].label} / {CONTENDERS[bound.other].label}"
                text = f"{'days/s' if faster else 'CPU'}, {pair}, concurrency {concurrency}"
                yield Claim(text, statistics.median(ratios), bound.bound, at_least=faster)


def remarks(contest: Contest, concurrencies: Sequence[int]) -> Iterator[str]:
    """Yield what must be known of the contest itself."""
    yield f"Versions: {', '.join(contest.versions())}."
    if contest.core is None:
        yield "Nothing was held to a core: contenders and nginx may have been in each other's way."
    else:
        yield "Contenders ran on one core and nginx on another."
    yield f"“{TIMES} by hand” is taken within each round, from the loop by hand on asyncio."
    for concurrency in concurrencies:
        pair = ("ours_uvloop", "naive_uvloop", concurrency)
        speeds, cpus = (contest.ratios(*pair, figure) for figure in (SPEED, CPU))
        if speeds:
            yield (
                f"Both on uvloop, concurrency {concurrency}: hourlyclicks[speedups] fetches"
                f" {spread(speeds, '{:.2f}'.format)} {TIMES} the days/s of the loop by hand,"
                f" with {spread(cpus, '{:.2f}'.format)} {TIMES} its CPU."
            )
    for (name, concurrency), reason in contest.failures.items():
        yield f"{CONTENDERS[name].label} failed at concurrency {concurrency}: {reason}"
    claimed = sum(concurrency in bound.concurrencies for bound in BOUNDS for concurrency in concurrencies)
    held = len(list(claims(contest, concurrencies)))
    if held < claimed:
        yield f"{claimed - held} of {claimed} claims could not be looked at, for lack of figures."


def of_server(contest: Contest, limit: float, concurrencies: Sequence[int]) -> str:
    """Say whether the server, which can answer so many requests a second, could have held a contender up."""
    held = dict.fromkeys(
        contender.label
        for name, contender in CONTENDERS.items()
        for concurrency in concurrencies
        if (runs := contest.of(name, concurrency).values())
        and limit < ENOUGH * statistics.median(run.speed for run in runs)
    )
    said = f"nginx answers wrk {limit:,.0f} times a second"
    return f"{said}; it may have held up {', '.join(held)}." if held else f"{said}, which held nothing up."
