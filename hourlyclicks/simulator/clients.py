"""Clients of a simulator: what a `Client` must be told so that it suits the server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.clock import Clock
from hourlyclicks.pacing.plans import Limits, Plan, Rate

if TYPE_CHECKING:
    from hourlyclicks.clock import Timer
    from hourlyclicks.simulator.limit_set import Policy
    from hourlyclicks.simulator.rules import PlanRules

_ANY_NUMBER = 10
"""The requests at a time of a client whose server allows any number."""


@attrs.frozen
class SetClock:
    """A clock that goes as another one, and shows the time that the simulator is set to.

    Args:
        inner: the clock of waits.
        now: returns the wall time.
    """

    inner: Clock
    now: Callable[[], dt.datetime]

    def monotonic(self) -> int:
        """See `Clock.monotonic`."""
        return self.inner.monotonic()

    def wall(self) -> dt.datetime:
        """Return the time of the simulator."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await self.inner.sleep(seconds)

    def call_later(self, nanoseconds: int, callback: Callable[[], object]) -> Timer:
        """See `Clock.call_later`."""
        return self.inner.call_later(nanoseconds, callback)


def client_limits(policy: Policy, rules: PlanRules) -> dict[str, Any]:
    """Return the arguments of a client that keeps the limits of a key: a plan, or limits of its own.

    Args:
        policy: how the server limits its keys.
        rules: the plan of the key.
    """
    if policy.published or not rules.per_minute:
        return {"plan": Plan[rules.name.upper()]}
    scale = policy.time_scale
    rates = [Rate(requests, seconds * scale) for requests, seconds in policy.rates(rules)]
    return {
        "limits": Limits(rates, concurrency=policy.at_once(rules) or _ANY_NUMBER, guard=scale),
    }
