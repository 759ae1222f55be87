"""What is made of a contest: tables, what was claimed, what must be known, and the whole in a few lines."""

from __future__ import annotations

import statistics
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

import attrs

from benchmarks.peers.contenders import CONTENDERS
from benchmarks.results import Claim, Table, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.peers.contest import Contest, Run

Figure: TypeAlias = "Callable[[Run], float]"

TIMES = "×"  # noqa: RUF001 - the sign that means it
SPEED: Figure = attrgetter("speed")
CPU: Figure = attrgetter("cpu")
HTTP, TLS, TUNED = "http", "tls", "tuned malloc"
"""The scenes; claims are made of the first two, in which nothing is set."""
OURS, PLAIN, NAIVE = "ours", "ours_plain", "naive"
HEAD = ("contender", "days/s", f"{TIMES} by hand", "CPU µs/day", f"CPU {TIMES} by hand", "peak RSS MiB")
PLAN = 3
"""Requests under way on the largest plan, which the summary is about."""
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
        scene: in which scene.
    """

    contender: str
    other: str
    figure: Figure
    bound: float
    concurrencies: tuple[int, ...] = (3, 10, 50)
    scene: str = HTTP


BOUNDS = (
    Bound(OURS, NAIVE, SPEED, 1.40, (1,)),
    Bound(OURS, NAIVE, SPEED, 1.75),
    Bound(OURS, NAIVE, CPU, 0.62, (1, 3, 10, 50)),
    Bound(PLAIN, NAIVE, SPEED, 1.20, (1,)),
    Bound(PLAIN, NAIVE, SPEED, 1.40),
    Bound(PLAIN, NAIVE, CPU, 0.75, (1, 3, 10, 50)),
    Bound(OURS, NAIVE, SPEED, 1.35, scene=TLS),
    Bound(OURS, NAIVE, CPU, 0.72, scene=TLS),
    Bound(OURS, "obvious", SPEED, 1.6),
    Bound(OURS, "httpx_loop", SPEED, 4.0),
    Bound(OURS, "requests_threads", SPEED, 3.0),
    Bound(OURS, "niquests_loop", SPEED, 3.0),
    Bound(OURS, "dlt_source", SPEED, 10.0),
    Bound(OURS, "airbyte_source", SPEED, 10.0),
)
"""To claim something more, add a line."""


def tables(contest: Contest, rounds: int) -> Iterator[Table]:
    """Yield what all contenders took in each scene of which claims are made, and at each concurrency."""
    for name in (HTTP, TLS):
        scene = contest.scenes[name]
        for concurrency in scene.concurrencies:
            rows = tuple(_row(contest, contender, name, concurrency) for contender in scene.contenders)
            title = f"{scene.title}, concurrency {concurrency}: {contest.days:,} days"
            yield Table(f"{title}, median (least and greatest) of {rounds} rounds", HEAD, rows)


def _row(contest: Contest, name: str, scene: str, concurrency: int) -> tuple[str, ...]:
    """Return the figures of a contender, or the reason why there are none."""
    contender, runs = CONTENDERS[name], contest.of(name, scene, concurrency).values()
    if not runs:
        absent = f"not installed (nox -s peers): {contender.environment}"
        reason = contest.failures.get((scene, name, concurrency), absent)
        return (contender.label, reason.replace("|", "/")[:100], *[""] * (len(HEAD) - 2))
    fewer = f" ({len(runs)} rounds)" if len(runs) < len(contest.of(NAIVE, scene, concurrency)) else ""
    cells = []
    for figure in (SPEED, CPU):
        ratios = contest.ratios(name, NAIVE, figure, scene, concurrency)
        cells += [spread(map(figure, runs), ",.0f"), spread(ratios, ".2f")]
    return (contender.label + fewer, *cells, f"{statistics.median(run.peak for run in runs) / 2**20:,.0f}")


def claims(contest: Contest) -> Iterator[Claim]:
    """Yield all claims that can be held to what was measured; figures are medians of ratios in a round."""
    for bound in BOUNDS:
        scene = contest.scenes[bound.scene]
        for concurrency in scene.concurrencies:
            ratios = contest.ratios(bound.contender, bound.other, bound.figure, bound.scene, concurrency)
            if ratios and concurrency in bound.concurrencies:
                faster = bound.figure is SPEED
                pair = f"{CONTENDERS[bound.contender].label} / {CONTENDERS[bound.other].label}"
                text = f"{scene.title}: {'days/s' if faster else 'CPU'}, {pair}, concurrency {concurrency}"
                yield Claim(text, statistics.median(ratios), bound.bound, at_least=faster)


def remarks(contest: Contest) -> Iterator[str]:
    """Yield what must be known of the contest itself."""
    libraries = {each for run in contest.runs for each in run.versions.items()}
    yield f"Versions: {', '.join(' '.join(each) for each in sorted(libraries))}."
    if contest.core is None:
        yield "Nothing was held to a core: contenders and nginx may have been in each other's way."
    else:
        yield "Contenders ran on one core and nginx on another."
    yield f"“{TIMES} by hand” is taken within each round, from the loop by hand on asyncio."
    for scene, (ours, naive), title in (
        (HTTP, ("ours_uvloop", "naive_uvloop"), "Both on uvloop"),
        (TUNED, (OURS, NAIVE), "Both with glibc told to keep its memory (`MALLOC_TOP_PAD_` and others)"),
    ):
        speeds, cpus = (contest.ratios(ours, naive, figure, scene, PLAN) for figure in (SPEED, CPU))
        if speeds:
            yield (
                f"{title}, over plain HTTP and with {PLAN} requests under way, hourlyclicks[speedups] fetches"
                f" {spread(speeds, '.2f')} {TIMES} the days/s of the loop by hand,"
                f" with {spread(cpus, '.2f')} {TIMES} its CPU."
            )
    for (scene, name, concurrency), reason in contest.failures.items():
        where = f"{contest.scenes[scene].title}, concurrency {concurrency}"
        yield f"{CONTENDERS[name].label} failed ({where}): {reason}"


def of_server(contest: Contest, scene: str, limit: float) -> str:
    """Say whether the server, which can answer so many requests a second, could have held a contender up."""
    title, concurrencies = contest.scenes[scene].title, contest.scenes[scene].concurrencies
    held = dict.fromkeys(
        CONTENDERS[name].label
        for name in contest.scenes[scene].contenders
        for concurrency in concurrencies
        if (runs := contest.of(name, scene, concurrency).values())
        and limit < ENOUGH * statistics.median(run.speed for run in runs)
    )
    said = f"{title}: nginx answers wrk {limit:,.0f} times a second"
    return f"{said}; it may have held up {', '.join(held)}." if held else f"{said}, which held nothing up."


def summary(contest: Contest) -> Iterator[str]:
    """Yield what a user should know, a sentence each."""

    def times(name: str, other: str, figure: Figure, scene: str) -> str:
        ratios = contest.ratios(name, other, figure, scene, PLAN)
        return f"{statistics.median(ratios):.2f}" if ratios else "?"

    for scene, title in ((HTTP, "Over plain HTTP"), (TLS, "Over TLS, as to the real API")):
        yield (
            f"{title}, `hourlyclicks[speedups]` fetches {times(OURS, NAIVE, SPEED, scene)} times as many days"
            f" a second as an aiohttp loop written by hand, for {times(OURS, NAIVE, CPU, scene)} of its"
            f" processor time; without the extra {times(PLAIN, NAIVE, SPEED, scene)} times as many, for"
            f" {times(PLAIN, NAIVE, CPU, scene)}."
        )
    peers = {"httpx": "httpx_loop", "requests in threads": "requests_threads", "dlt": "dlt_source"}
    compared = [f"{times(OURS, name, SPEED, HTTP)} times those of {label}" for label, name in peers.items()]
    yield f"Its days a second are {', '.join(compared[:-1])} and {compared[-1]}."
