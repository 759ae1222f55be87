"""The tables: medians and worst cases of many runs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.pacing.judges import JUDGES, TITLES
from benchmarks.pacing.runs import PLANS
from benchmarks.results import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.pacing.judged_by_nginx import Outcome
    from benchmarks.pacing.judges import Verdict
    from benchmarks.pacing.runs import Run
    from hourlyclicks import Plan, Rate
    from hourlyclicks.simulator.algorithms import Policing


def words(delay: tuple[float, float]) -> str:
    """Return a range of delays in words."""
    least, most = (f"{1000 * seconds:.0f}" for seconds in delay)
    return f"{least} to {most} ms each way"


def of_plan(plan: Plan, runs: Sequence[Run]) -> Table:
    """Return how all contenders did on one plan; the runs are all of one length and one range of delays."""
    scene = runs[0].scene
    rows = [
        (name, _ratio(own), *(_count(run.verdicts[judge].refused for run in own) for judge in JUDGES))
        for name, own in _by_contender(run for run in runs if run.scene.plan is plan).items()
    ]
    limits = plan.limits
    title = (
        f"{plan.value}, {limits.rates[0].requests} a minute, {limits.concurrency} at a time:"
        f" {scene.requests:,} requests, {words(scene.delay)}; arrivals that each kind of server would"
        " reject: median (worst)"
    )
    return Table(title, _head("makespan / T*"), tuple(rows))


def makespans(runs: Sequence[Run]) -> Table:
    """Return the makespans of all contenders on all plans."""
    plans = _plans(runs)
    rows = [
        (name, *(_ratio([run for run in own if run.scene.plan is plan]) for plan in plans))
        for name, own in _by_contender(runs).items()
    ]
    scene = runs[0].scene
    title = f"{scene.requests:,} requests, {words(scene.delay)}: makespan / T*, median (worst)"
    return Table(title, ("contender", *(plan.value for plan in plans)), tuple(rows))


def refusals(runs: Sequence[Run]) -> Table:
    """Return what all judges say about all runs of each contender, on all plans together."""
    grouped = _by_contender(runs)
    rows = [
        (name, *(_both([run.verdicts[judge] for run in own]) for judge in JUDGES))
        for name, own in grouped.items()
    ]
    scene = runs[0].scene
    arrivals = sum(run.scene.requests for run in next(iter(grouped.values())))
    title = (
        f"{scene.requests:,} requests, {words(scene.delay)}: of {arrivals:,} arrivals, all plans and seeds"
        " together, rejected / over the limit if every arrival counts"
    )
    return Table(title, _head(), tuple(rows))


def lessons(policing: Policing, runs: Sequence[Run]) -> Table:
    """Return how our client does where requests are really rejected."""
    plans = _plans(runs)
    rows = []
    for name, own in _by_contender(runs).items():
        groups = [[run for run in own if run.scene.plan is plan] for plan in plans]
        cells = (f"{_count(run.refused for run in group)}; {_ratio(group)}" for group in groups)
        rows.append((name, *cells))
    scene = runs[0].scene
    title = (
        f"A server that rejects requests ({TITLES[policing]}): {scene.requests:,} requests,"
        f" {words(scene.delay)}: rejections; makespan / T*, median (worst)"
    )
    return Table(title, ("contender", *(plan.value for plan in plans)), tuple(rows))


def by_nginx(outcomes: Sequence[Outcome], rate: Rate) -> Table:
    """Return what nginx said; `rate` is the limit that every contender was told."""
    rows = [
        (
            f"{outcome.server}: {outcome.contender}",
            f"{outcome.refused}",
            f"{outcome.answered} of {outcome.requests}",
            f"{outcome.seconds:.1f}",
            f"{outcome.pace:.2f}",
        )
        for outcome in outcomes
    ]
    title = (
        f"nginx in real time on loopback, limit_req at {rate.requests / rate.seconds:g} requests a second;"
        f" every contender was told {rate.requests} in {rate.seconds:g} s"
    )
    return Table(
        title, ("server: contender", "rejected", "answered", "seconds", "answered a second"), tuple(rows)
    )


def _head(*more: str) -> tuple[str, ...]:
    return ("contender", *more, *(TITLES[judge] for judge in JUDGES))


def _plans(runs: Iterable[Run]) -> list[Plan]:
    met = {run.scene.plan for run in runs}
    return [plan for plan in PLANS if plan in met]


def _by_contender(runs: Iterable[Run]) -> dict[str, list[Run]]:
    grouped = defaultdict(list)
    for run in runs:
        grouped[run.contender].append(run)
    return grouped


def _ratio(runs: Iterable[Run]) -> str:
    return _middle_and_worst([run.ratio for run in runs], lambda ratio: f"{ratio:.3f}")


def _count(counts: Iterable[int]) -> str:
    return _middle_and_worst(list(counts), lambda count: f"{count:,.0f}")


def _both(verdicts: Iterable[Verdict]) -> str:
    refused, over = (sum(counts) for counts in zip(*verdicts, strict=True))
    return f"{refused:,} / {over:,}" if over else "0"


def _middle_and_worst(values: Sequence[float], show: Callable[[float], str]) -> str:
    middle, worst = show(statistics.median(values)), show(max(values))
    return middle if middle == worst else f"{middle} ({worst})"
