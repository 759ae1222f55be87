"""Pacing: how close to the least possible time, and how many requests over the limit in several counts.

All contenders send the same requests on virtual time, over a network that delays each by chance. Nothing is
rejected in these runs; afterwards six kinds of servers judge the arrivals. Then our client meets servers
that do reject requests, and all of them meet nginx in real time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from benchmarks.pacing import tables
from benchmarks.pacing.contenders import OURS, OURS_EVEN, contenders
from benchmarks.pacing.judged_by_nginx import RATE, SERVERS, Outcome, judged
from benchmarks.pacing.judges import TITLES
from benchmarks.pacing.remarks import remarks
from benchmarks.pacing.runs import PLANS, Run, Scene, learn, run
from benchmarks.peers.upstream import find_nginx
from benchmarks.results import Claim, Section
from hourlyclicks import Plan
from hourlyclicks.simulator.algorithms import Policing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.results import Table

WIDE, NARROW = (0.005, 0.3), (0.005, 0.03)
"""The delays of one way in seconds: what the claims are about, and whether another network changes much."""

SHORT, LONGER, TEN_YEARS = 30, 365, 3653
SURE: tuple[Policing, ...] = ("sliding_log", "fixed_window", "whole_seconds", "token_bucket")
"""The judges before whom we claim never to be over the limit."""

LESSONS: tuple[Policing, ...] = ("leaky_bucket", "two_buckets")
"""The others; what our client learns from their rejections is measured."""

MOST_WINDOW, MOST_EVEN = 1.03, 1.07


@attrs.frozen
class Extent:
    """How much is run.

    Args:
        plans: the plans.
        seeds: how many seeds for each number of requests, the numbers in ascending order.
    """

    plans: tuple[Plan, ...]
    seeds: dict[int, int]

    def scenes(self, delay: tuple[float, float], requests: int) -> Iterator[Scene]:
        """Yield the circumstances of all runs of one length and one range of delays."""
        for plan in self.plans:
            for seed in range(self.seeds[requests]):
                yield Scene(plan, requests, delay, seed)


FULL = Extent(PLANS, {SHORT: 5, LONGER: 5, TEN_YEARS: 3})
QUICK = Extent((Plan.PERSONAL, Plan.ENTERPRISE), {SHORT: 2, LONGER: 2})


@attrs.define
class Findings:
    """All that was run.

    Attributes:
        runs: of each range of delays and number of requests, the runs in which nothing is rejected.
        lessons: of each kind of server, the runs in which it rejects requests.
        outcomes: how nginx judged each contender; nothing where it is not installed.
    """

    runs: dict[tuple[tuple[float, float], int], list[Run]] = attrs.field(factory=dict)
    lessons: dict[Policing, list[Run]] = attrs.field(factory=dict)
    outcomes: list[Outcome] = attrs.field(factory=list)

    @property
    def everything(self) -> list[Run]:
        """All runs in which nothing is rejected."""
        return [one for group in self.runs.values() for one in group]

    def figures(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "runs": [one.figures() for one in self.everything],
            "lessons": {name: [one.figures() for one in group] for name, group in self.lessons.items()},
            "nginx": [attrs.asdict(outcome) for outcome in self.outcomes],
        }


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Run every contender in every case.

    Args:
        quick: two plans, no ten years and a short run against nginx: less than half a minute.
        say: told what begins.
    """
    began = time.perf_counter()
    extent = QUICK if quick else FULL
    found = _find(extent, quick=quick, say=say)
    took = time.perf_counter() - began
    return Section(
        tuple(_tables(extent, found)),
        claims=tuple(_claims(found)),
        figures={**found.figures(), "took": took},
        remarks=(
            *remarks(found.everything, found.lessons["leaky_bucket"]),
            *_left_out(extent, found),
            f"All of this took {took:.0f} s.",
        ),
        summary=(_summary(found),),
    )


def _find(extent: Extent, *, quick: bool, say: Callable[[str], None]) -> Findings:
    found = Findings()
    running = contenders()
    for delay in (WIDE, NARROW):
        for requests in extent.seeds:
            say(f"pacing: {requests:,} requests on virtual time, {tables.words(delay)}")
            found.runs[delay, requests] = [
                run(name, contender, scene)
                for scene in extent.scenes(delay, requests)
                for name, contender in running.items()
            ]
    say("pacing: servers that reject requests")
    for policing in LESSONS:
        found.lessons[policing] = [
            taught for scene in extent.scenes(WIDE, LONGER) for taught in learn(policing, scene)
        ]
    if find_nginx() is not None:
        say("pacing: nginx judges in real time")
        found.outcomes = judged(quick=quick)
    return found


def _tables(extent: Extent, found: Findings) -> Iterator[Table]:
    longest = max(extent.seeds)
    for plan in extent.plans:
        yield tables.of_plan(plan, found.runs[WIDE, longest])
    for requests in extent.seeds:
        if requests != longest:  # which the tables of the plans have
            yield tables.makespans(found.runs[WIDE, requests])
        yield tables.refusals(found.runs[WIDE, requests])
    yield tables.makespans(found.runs[NARROW, longest])
    yield tables.refusals(found.runs[NARROW, longest])
    for policing, taught in found.lessons.items():
        yield tables.lessons(policing, taught)
    if found.outcomes:
        yield tables.by_nginx(found.outcomes, RATE)


def _claims(found: Findings) -> Iterator[Claim]:
    windowed = [one for one in found.everything if one.contender == OURS]
    spread = [one for one in found.everything if one.contender == OURS_EVEN]
    for policing in SURE:
        yield Claim(f"window spacing: rejected, {TITLES[policing]}", _refused(windowed, policing), 0)
    sure = sum(_refused(spread, policing) for policing in SURE)
    yield Claim("even spacing: rejected, the same four together", sure, 0)
    for delay in (WIDE, NARROW):
        affected = [one for one in spread if one.scene.delay == delay]
        text = f"even spacing: rejected, leaky bucket without burst, {tables.words(delay)}"
        yield Claim(text, _refused(affected, "leaky_bucket"), 0)
    for spacing, own, most in (("window", windowed, MOST_WINDOW), ("even", spread, MOST_EVEN)):
        ratios = [one.ratio for one in own if one.scene.requests == TEN_YEARS and one.scene.delay == WIDE]
        if ratios:
            text = (
                f"{spacing} spacing: makespan / T*, {TEN_YEARS:,} requests, {tables.words(WIDE)}, worst run"
            )
            yield Claim(text, max(ratios), most)
    for outcome in found.outcomes:
        if outcome.contender == SERVERS[outcome.server]:
            yield Claim(f"{outcome.contender}: rejected by nginx, {outcome.server}", outcome.refused, 0)


def _refused(runs: Iterable[Run], policing: Policing) -> int:
    return sum(one.verdicts[policing].refused for one in runs)


def _summary(found: Findings) -> str:
    """Return what a user should know of it, in a sentence."""
    windowed = [one for one in found.everything if one.contender == OURS]
    longest = max(one.scene.requests for one in windowed)
    worst = max(one.ratio for one in windowed if one.scene.requests == longest)
    rejected = sum(_refused(windowed, policing) for policing in SURE)
    return (
        f"With the default spacing, {longest:,} requests take at most {100 * (worst - 1):.1f} % longer than"
        f" the least time that the limit of a plan allows, and servers that count in {len(SURE)} common"
        f" ways answer {rejected:,} of them with 429."
    )


def _left_out(extent: Extent, found: Findings) -> Iterator[str]:
    """Say what was not run."""
    if not found.outcomes:
        yield "nginx is not installed, so it could not judge."
    if TEN_YEARS not in extent.seeds:
        plans = " and ".join(plan.value for plan in extent.plans)
        yield (
            f"This was the quick version: {plans} only, our window spacing not against nginx without burst,"
            f" and never {TEN_YEARS:,} requests, which the claims about the makespan are about."
        )
