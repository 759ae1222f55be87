"""Thousands of accounts and weeks of limits on a virtual clock, in one process and without a network."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.processes import fresh
from benchmarks.scale import ours
from benchmarks.scale.scene import LATENCY, MINUTE, kept
from hourlyclicks.fleet import run_jobs
from hourlyclicks.pacing.eta import theoretical_minimum
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store.memory import MemoryStore

if TYPE_CHECKING:
    from benchmarks.scale.scene import Scene
    from hourlyclicks.simulator import VirtualClock

AT_ONCE = 2_000


def measured(scene: Scene) -> dict[str, float]:
    """Fetch all days in a process of its own.

    Returns:
        How many ``days`` were kept, final and right, the ``requests`` and those ``over`` a limit; the
        ``longest`` time of an account, from its own start to its own end, as a multiple of the least that
        its limit allows to any client, which is without a guard and with the quickest responses; and the
        seconds of ``processor`` time.
    """
    return fresh(_measured, scene)


def _measured(scene: Scene) -> dict[str, float]:
    return run_virtual(lambda clock: fetch(clock, scene))


async def fetch(clock: VirtualClock, scene: Scene) -> dict[str, float]:
    """Fetch all days on a clock; see `measured`."""
    keys = {member.key: "personal" for member in scene.members()}
    rates = [(scene.requests, MINUTE)]
    server = Simulator(keys=keys, limits=rates, time_scale=scene.minute / MINUTE, latency=LATENCY)
    began, store = time.process_time(), MemoryStore(clock=clock)
    report = await run_jobs(
        ours.jobs(scene),
        store=store,
        at_once=AT_ONCE,
        transport=server.transport(clock),
        base_url="http://localhost",
        clock=clock,
    )
    processor = time.process_time() - began
    counters = server.counters
    (rate,) = scene.limits.rates
    least = theoretical_minimum(scene.days, rate, concurrency=1, latency=2 * LATENCY[0])
    return {
        "days": await kept(scene, store),
        "requests": counters.requests,
        "over": counters.over_limit + counters.over_concurrency,
        "longest": max(each.report.seconds for each in report.accounts if each.report is not None) / least,
        "processor": processor,
    }
