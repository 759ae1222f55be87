"""Runs on virtual time: repeatable, complete, and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing.contenders import OURS, OURS_EVEN, contenders, ours
from benchmarks.pacing.judges import JUDGES
from benchmarks.pacing.measure import SURE
from benchmarks.pacing.network import SimulatedNetwork
from benchmarks.pacing.runs import Scene, learn, run
from hourlyclicks import Plan
from hourlyclicks.clock import SECOND
from hourlyclicks.simulator import run_virtual

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Job
    from hourlyclicks.simulator import VirtualClock

MONTH = Scene(Plan.PERSONAL, 30, (0.005, 0.3), seed=0)


async def _hasty(job: Job) -> None:
    """Keep no limit at all."""
    for _ in range(job.requests):
        await job.trip()


async def _lazy(job: Job) -> None:
    """Send one request too few."""
    for _ in range(job.requests - 1):
        await job.trip()


@pytest.mark.parametrize("name", contenders())
def test_a_seed_gives_the_same_run_twice(name: str) -> None:
    """Nothing depends on the real time, or on chance."""
    first, second = (run(name, contenders()[name], MONTH) for _ in range(2))
    assert first == second


def test_a_month_on_personal_is_within_the_limit() -> None:
    """Neither of our spacings is ever over the limit before the judges of whom that is claimed."""
    for name, contender in ((OURS, ours("window")), (OURS_EVEN, ours("even"))):
        verdicts = run(name, contender, MONTH).verdicts
        assert {verdicts[judge] for judge in SURE} == {(0, 0)}


def test_the_guard_is_for_whole_seconds() -> None:
    """Without it the limit is kept too, unless the server counts in whole seconds."""
    verdicts = run("bare", ours("window", guarded=False), MONTH).verdicts
    assert verdicts["sliding_log"] == verdicts["fixed_window"] == verdicts["token_bucket"] == (0, 0)
    assert verdicts["whole_seconds"].refused > 0


def test_haste_is_seen_by_every_judge() -> None:
    """Who keeps no limit is faster than anybody can be, and every judge objects."""
    hasty = run("hasty", _hasty, MONTH)
    assert hasty.ratio < 0.1
    assert all(hasty.verdicts[judge].refused >= MONTH.requests // 2 for judge in JUDGES)


def test_a_request_too_few_is_noticed() -> None:
    """A contender that leaves out work is no contender."""
    with pytest.raises(RuntimeError, match="lazy sent 29 requests instead of 30"):
        run("lazy", _lazy, MONTH)


def test_two_roads_of_one_seed_are_alike() -> None:
    """The nth request is delayed alike whenever it leaves, so that the contenders meet the same network."""

    async def main(clock: VirtualClock) -> None:
        arrivals = []
        for pause in (0.0, 5.0):
            network = SimulatedNetwork(clock, seed=7, delay=(0.1, 0.2))
            sent = []
            for _ in range(3):
                sent.append(clock.monotonic())
                assert await network.trip()
                await clock.sleep(pause)
            arrivals.append([there - here for here, there in zip(sent, network.arrivals, strict=True)])
        assert arrivals[0] == arrivals[1]
        one_way = {gap - arrivals[0][0] for gap in arrivals[0]}
        assert len(one_way) == 3
        assert max(one_way) - min(one_way) <= 0.1 * SECOND

    run_virtual(main)


def test_refusals_are_learnt_from() -> None:
    """Against a leaky bucket in earnest every day is fetched in the end, after a few refusals."""
    windowed, spread = learn("leaky_bucket", MONTH)
    assert (windowed.contender, spread.contender) == (OURS, OURS_EVEN)
    assert 1 <= windowed.refused <= 5
    assert spread.refused == 0
    assert windowed.seconds > spread.seconds
