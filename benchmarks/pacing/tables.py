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

_JUDGED = tuple(TITLES[judge] for judge in JUDGES)


def words(delay: tuple[float, float]) -> str:
    """Return a range of delays in words."""
    least, most = (f"{1000 * seconds:.0f}" for seconds in delay)
    return f"{least} to {most} ms each way"


def _of(runs: Sequence[Run]) -> str:
    """Say what runs of one length and one range of delays have in common."""
    scene = runs[0].scene
    return f"{scene.requests:,} requests, {words(scene.delay)}"


def of_plan(plan: Plan, runs: Sequence[Run]) -> Table:
    """Return how all contenders did on one plan; the runs are all of one length and one range of delays."""
    rows = [
        (name, _ratio(own), *(_count(run.verdicts[judge].refused for run in own) for judge in JUDGES))
        for name, own in _by_contender(run for run in runs if run.scene.plan is plan).items()
    ]
    limits = plan.limits
    title = (
        f"{plan.value}, {limits.rates[0].requests} a minute, {limits.concurrency} at a time: {_of(runs)};"
        " arrivals that each kind of server would reject: median (worst)"
    )
    return Table(title, ("contender", "makespan / T*", *_JUDGED), tuple(rows))


def makespans(runs: Sequence[Run]) -> Table:
    """Return the makespans of all contenders on all plans."""
    return _by_plan(f"{_of(runs)}: makespan / T*, median (worst)", runs, _ratio)


def refusals(runs: Sequence[Run]) -> Table:
    """Return what all judges say about all runs of each contender, on all plans together."""
    grouped = _by_contender(runs)
    rows = [
        (name, *(_both([run.verdicts[judge] for run in own]) for judge in JUDGES))
        for name, own in grouped.items()
    ]
    arrivals = sum(run.scene.requests for run in next(iter(grouped.values())))
    title = (
        f"{_of(runs)}: of {arrivals:,} arrivals, all plans and seeds together,"
        " rejected / over the limit if every arrival counts"
    )
    return Table(title, ("contender", *_JUDGED), tuple(rows))


def lessons(policing: Policing, runs: Sequence[Run]) -> Table:
    """Return how our client does where requests are really rejected."""
    return _by_plan(
        f"A server that rejects requests ({TITLES[policing]}): {_of(runs)}: rejections;"
        " makespan / T*, median (worst)",
        runs,
        lambda own: f"{_count(run.refused for run in own)}; {_ratio(own)}",
    )


def by_nginx(outcomes: Sequence[Outcome], rate: Rate) -> Table:
    """Return what nginx said; `rate` is the limit that every contender was told."""
    rows = [
        (
            f"{each.server}: {each.contender}",
            f"{each.refused}",
            f"{each.answered} of {each.requests}",
            f"{each.seconds:.1f}",
            f"{each.pace:.2f}",
        )
        for each in outcomes
    ]
    title = (
        f"nginx in real time on loopback, limit_req at {rate.requests / rate.seconds:g} requests a second;"
        f" every contender was told {rate.requests} in {rate.seconds:g} s"
    )
    head = ("server: contender", "rejected", "answered", "seconds", "answered a second")
    return Table(title, head, tuple(rows))


def _by_plan(title: str, runs: Iterable[Run], cell: Callable[[Sequence[Run]], str]) -> Table:
    """Return a table with a row for each contender, and a column for each plan."""
    grouped = _by_contender(runs)
    met = {run.scene.plan for own in grouped.values() for run in own}
    plans = [plan for plan in PLANS if plan in met]
    rows = [
        (name, *(cell([run for run in own if run.scene.plan is plan]) for plan in plans))
        for name, own in grouped.items()
    ]
    return Table(title, ("contender", *(plan.value for plan in plans)), tuple(rows))


def _by_contender(runs: Iterable[Run]) -> dict[str, list[Run]]:
    grouped = defaultdict(list)
    for run in runs:
        grouped[run.contender].append(run)
    return grouped


def _ratio(runs: Iterable[Run]) -> str:
    return _middle_and_worst([run.ratio for run in runs], ".3f")


def _count(counts: Iterable[int]) -> str:
    return _middle_and_worst(list(counts), ",.0f")


def _both(verdicts: Iterable[Verdict]) -> str:
    refused, over = (sum(counts) for counts in zip(*verdicts, strict=True))
    return f"{refused:,} / {over:,}" if over else "0"


def _middle_and_worst(values: Sequence[float], form: str) -> str:
    middle, worst = f"{statistics.median(values):{form}}", f"{max(values):{form}}"
    return middle if middle == worst else f"{middle} ({worst})"
