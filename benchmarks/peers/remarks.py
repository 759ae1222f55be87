"""What a reader of the tables must know beside them: machine, versions, the server, and what was missing."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers import report
from benchmarks.peers.environments import Missing, Place
from benchmarks.results import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.peers.contest import Outcome

LIBRARIES = (
    "aiohttp", "airbyte-cdk", "attrs", "cattrs", "dlt", "httpcore", "httpx", "msgspec", "multidict",
    "niquests", "orjson", "requests", "tenacity", "urllib3", "urllib3-future", "uvloop", "yarl",
)  # fmt: skip
ENOUGH = 2.0
"""The server should be able to answer so many times as often as a contender asks."""


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def remarks(outcome: Outcome, concurrencies: Sequence[int], *, pinned: bool) -> Iterator[str]:
    """Yield what must be known of the contest itself.

    Args:
        outcome: what was seen.
        concurrencies: how many requests were under way.
        pinned: whether contenders and server were held to a core each.
    """
    here = machine()
    yield f"{here['cpu']}, {here['cores']} cores, {here['system']} {here['kernel']}, Python {here['python']}."
    yield f"Versions: {', '.join(versions(outcome.places))}."
    if pinned:
        yield "Contenders ran on one core and nginx on another."
    else:
        yield "Nothing was held to a core: contenders and nginx may have been in each other's way."
    yield f"“{report.TIMES} by hand” is taken within each round, from the loop by hand on asyncio."
    for concurrency in concurrencies:
        yield from _on_uvloop(outcome, concurrency)
    yield from troubles(outcome, concurrencies)


def versions(places: Mapping[str, Place | Missing]) -> list[str]:
    """Name the versions of the libraries that matter, and all of them where environments differ."""
    found = {
        (library, place.versions[library])
        for place in places.values()
        if isinstance(place, Place)
        for library in LIBRARIES
        if library in place.versions
    }
    return [f"{library} {version}" for library, version in sorted(found)]


def _on_uvloop(outcome: Outcome, concurrency: int) -> Iterator[str]:
    """Compare like with like."""
    pair = ("ours_uvloop", "naive_uvloop", concurrency)
    speeds, cpus = outcome.ratios(*pair, report.SPEED), outcome.ratios(*pair, report.CPU)
    if speeds:
        yield (
            f"Both on uvloop, concurrency {concurrency}: hourlyclicks[speedups] fetches"
            f" {spread(speeds, '{:.2f}'.format)} {report.TIMES} the days/s of the loop by hand,"
            f" with {spread(cpus, '{:.2f}'.format)} {report.TIMES} its CPU."
        )


def troubles(outcome: Outcome, concurrencies: Sequence[int]) -> Iterator[str]:
    """Yield what was missing or failed."""
    for name, place in outcome.places.items():
        if isinstance(place, Missing):
            yield f"The environment {name}: {place.reason}."
        elif place.remark:
            yield place.remark
    for failure in outcome.failures:
        yield (
            f"{outcome.label(failure.contender)} failed in round {failure.round + 1}"
            f" at concurrency {failure.concurrency}: {failure.reason}"
        )
    claimed = len(list(report.bounds(concurrencies)))
    held = len(list(report.claims(outcome, concurrencies)))
    if held < claimed:
        yield f"{claimed - held} of {claimed} claims could not be looked at, for lack of figures."


def of_server(outcome: Outcome, limit: float) -> str:
    """Say whether the server could have been what held a contender up.

    Args:
        outcome: what was seen.
        limit: how many requests a second the server can answer.
    """
    said = f"nginx answers wrk {limit:,.0f} times a second"
    speeds = _speeds(outcome)
    if not speeds:
        return f"{said}."
    fastest = max(speeds, key=lambda contender: speeds[contender])
    said += f", {limit / speeds[fastest]:.1f} {report.TIMES} as often as the fastest, {fastest}, ever asked"
    held = [contender for contender, speed in speeds.items() if limit < ENOUGH * speed]
    return f"{said}; it may have held up {', '.join(held)}." if held else f"{said}."


def _speeds(outcome: Outcome) -> dict[str, float]:
    """Return the most days a second of each contender: the median at its best concurrency."""
    found: dict[tuple[str, int], list[float]] = {}
    for run in outcome.runs:
        found.setdefault((run.contender, run.concurrency), []).append(run.speed)
    best: dict[str, float] = {}
    for (name, _), speeds in found.items():
        label = outcome.label(name)
        best[label] = max(best.get(label, 0.0), statistics.median(speeds))
    return best
