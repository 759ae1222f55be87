"""Runs on virtual time: who did how well, and what every judge says about it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import attrs

from benchmarks.pacing.contenders import OURS, OURS_EVEN, Job, ours
from benchmarks.pacing.judges import Verdict, judge
from benchmarks.pacing.network import NetworkTransport, SimulatedNetwork
from benchmarks.pacing.theory import least_seconds
from benchmarks.peers.slices import AGENT, KEY
from hourlyclicks import Client, Plan
from hourlyclicks.clock import SECOND
from hourlyclicks.simulator import run_virtual
from hourlyclicks.simulator.algorithms import Policing, algorithm

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Contender
    from hourlyclicks import Limits
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.simulator.algorithms import Algorithm

PLANS = (Plan.PERSONAL, Plan.PREMIUM, Plan.BUSINESS, Plan.BUSINESS_PLUS, Plan.ENTERPRISE)


@attrs.frozen
class Scene:
    """The circumstances of a run.

    Args:
        plan: the plan whose limit is kept.
        requests: how many requests are sent.
        delay: the least and the most seconds that a request, and again its response, is under way.
        seed: decides about the delays, and about where the server's windows begin.
    """

    plan: Plan
    requests: int
    delay: tuple[float, float]
    seed: int

    @property
    def least(self) -> float:
        """The least seconds that it can take when every round trip takes the mean time."""
        rate = self.plan.limits.rates[0]
        return least_seconds(
            self.requests,
            rate=rate.requests,
            window=rate.seconds,
            concurrency=self.plan.limits.concurrency,
            latency=sum(self.delay),  # twice the mean of one way
        )


@attrs.frozen
class Run:
    """What came of it.

    Args:
        scene: the circumstances.
        contender: the name of who ran.
        seconds: from the beginning to the last response.
        verdicts: what each judge says about the arrivals.
        refused: how many requests were rejected then and there, where the server does that.
    """

    scene: Scene
    contender: str
    seconds: float
    verdicts: dict[Policing, Verdict]
    refused: int = 0

    @property
    def ratio(self) -> float:
        """The time it took as a multiple of the theoretical minimum."""
        return self.seconds / self.scene.least

    def figures(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return attrs.asdict(self.scene) | {
            "plan": self.scene.plan.value,
            "contender": self.contender,
            "seconds": self.seconds,
            "ratio": self.ratio,
            "refused": {name: verdict.refused for name, verdict in self.verdicts.items()},
            "over": {name: verdict.over for name, verdict in self.verdicts.items()},
            "refused_in_earnest": self.refused,
        }


def run(name: str, contender: Contender, scene: Scene, *, algorithm: Algorithm | None = None) -> Run:
    """Let a contender send its requests, and ask the judges afterwards.

    Args:
        name: how to call it.
        contender: who runs.
        scene: the circumstances.
        algorithm: rejects requests; left out, everything is answered, so that all contenders send the same.
    """
    limits = scene.plan.limits

    async def main(clock: VirtualClock) -> tuple[SimulatedNetwork, float]:
        network = SimulatedNetwork(clock, seed=scene.seed, delay=scene.delay, algorithm=algorithm)

        def client(limits: Limits) -> Client:
            return Client(
                KEY,
                limits=limits,
                transport=NetworkTransport(network),
                clock=clock,
                random=random.Random(scene.seed),
                user_agent=AGENT,
            )

        await contender(Job(scene.requests, limits.rates[0], limits.concurrency, network.trip, client))
        return network, clock.monotonic() / SECOND

    network, seconds = run_virtual(main)
    if len(network.arrivals) - network.refused != scene.requests:
        raise RuntimeError(f"{name} sent {len(network.arrivals)} requests instead of {scene.requests}")
    rate = limits.rates[0]
    return Run(scene, name, seconds, judge(network.arrivals, rate.requests, rate.seconds), network.refused)


def learn(policing: Policing, scene: Scene) -> list[Run]:
    """Let our client meet a server that rejects requests, in both spacings."""
    rate = scene.plan.limits.rates[0]
    return [
        run(name, contender, scene, algorithm=algorithm(policing, rate.requests, rate.seconds))
        for name, contender in ((OURS, ours("window")), (OURS_EVEN, ours("even")))
    ]
