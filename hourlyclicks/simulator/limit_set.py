"""The limits of one key: several rates at once, a cap on the requests in service, and a log of the arrivals.

Theory. The plans have two limits: one of the statistics, and one of all requests together (the base limit). A
request for statistics counts against both, any other request only against the base limit. So the set of the
statistics holds the rates of the base limit too: the very same objects, which therefore count every request.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_amount, check_type, check_whole
from hourlyclicks.simulator.algorithms import Policing, algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.simulator.algorithms import Algorithm
    from hourlyclicks.simulator.rules import PlanRules

Limit: TypeAlias = Literal["statistics", "base"]
"""The limit of the statistics, or that of all requests together."""

Verdict: TypeAlias = Literal["accepted", "rate", "concurrency"]
"""What becomes of a request: it is accepted, or the rate or the concurrency is exceeded."""

_MINUTE, _HOUR = 60.0, 3600.0


class ArrivalLog:
    """The time of every arrival, accepted or not."""

    def __init__(self) -> None:
        self.arrivals = array("q")

    def arrive(self, now: int) -> None:
        """Record an arrival."""
        self.arrivals.append(now)

    def max_in_window(self, window: int) -> int:
        """Return the greatest number of arrivals in any half-open window of so many nanoseconds."""
        most = first = 0
        for number, moment in enumerate(self.arrivals, start=1):
            while moment - self.arrivals[first] >= window:
                first += 1
            most = max(most, number - first)
        return most


class LimitSet:
    """All limits of one key: several rates at once, and a cap on the requests in service.

    Args:
        rates: the rates, each with its own algorithm.
        concurrency: how many requests may be in service at once; ``None``: any number.
    """

    def __init__(self, rates: Iterable[Algorithm], concurrency: int | None = None) -> None:
        self.rates = tuple(rates)
        self.concurrency = concurrency
        self.in_service = 0
        self.log = ArrivalLog()

    def arrive(self, now: int) -> Verdict:
        """Decide about a request; an accepted one is in service until `leave`."""
        self.log.arrive(now)
        within = [rate.allows(now) for rate in self.rates]
        verdict = self._verdict(within=all(within))
        for rate, allowed in zip(self.rates, within, strict=True):
            rate.refused += not allowed
            if verdict == "accepted" or rate.charge_refused:
                rate.take(now)
        self.in_service += verdict == "accepted"
        return verdict

    def leave(self) -> None:
        """Record that a request is no longer in service."""
        self.in_service -= 1

    def opens(self, now: int) -> int:
        """Return the earliest moment at which every rate allows a request."""
        return max((rate.opens(now) for rate in self.rates), default=now)

    def _verdict(self, *, within: bool) -> Verdict:
        if not within:
            return "rate"
        if self.concurrency is not None and self.in_service >= self.concurrency:
            return "concurrency"
        return "accepted"


@attrs.frozen
class KeyLimits:
    """The limits of one key.

    Args:
        statistics: the limit of the statistics; its rates include those of the base limit.
        base: the limit of all requests together. Its log has all requests of the key.
    """

    statistics: LimitSet
    base: LimitSet

    def arrive(self, now: int, limit: Limit) -> tuple[LimitSet, Verdict]:
        """Decide about a request; return the limit set that `LimitSet.leave` is called on, too."""
        if limit == "base":
            return self.base, self.base.arrive(now)
        self.base.log.arrive(now)
        return self.statistics, self.statistics.arrive(now)

    def of(self, limit: Limit) -> LimitSet:
        """Return one of the two."""
        return self.base if limit == "base" else self.statistics


@attrs.frozen(kw_only=True)
class Policy:
    """How a server limits its keys; makes the limits of each.

    Args:
        limits: the rates of the statistics, as pairs of requests and seconds; ``None``: those of the plan.
        base_limits: the rates of all requests together, likewise; with ``limits`` given, ``None`` is none.
        concurrency: how many requests for statistics may be in service at once; ``None``: as the plan says;
            0: any number.
        policing: the name of the algorithm.
        time_scale: the real length of one second of the rates.
        charge_refused: whether a rejected request counts like an accepted one.
    """

    limits: Sequence[tuple[int, float]] | None = None
    base_limits: Sequence[tuple[int, float]] | None = None
    concurrency: int | None = None
    policing: Policing = "sliding_log"
    time_scale: float = 1.0
    charge_refused: bool = False

    def __attrs_post_init__(self) -> None:
        _check_rates("limits", self.limits)
        _check_rates("base_limits", self.base_limits)
        if self.concurrency is not None:
            check_whole("concurrency", self.concurrency, least=0)
        check_amount("time_scale", self.time_scale)
        check_type("charge_refused", self.charge_refused, bool)

    @property
    def published(self) -> bool:
        """Whether the limits are those of the plans, in real time."""
        given = self.limits, self.base_limits, self.concurrency
        return given == (None, None, None) and self.time_scale == 1

    def at_once(self, plan: PlanRules) -> int | None:
        """Return how many requests for statistics may be in service at once; ``None``: any number."""
        return (plan.concurrent if self.concurrency is None else self.concurrency) or None

    def rates(self, plan: PlanRules) -> tuple[tuple[int, float], ...]:
        """Return the rates that a request for statistics counts against, those of the base limit last."""
        published = ((plan.per_minute, _MINUTE),) if plan.per_minute else ()
        own = published if self.limits is None else self.limits
        return (*own, *self._base_rates(plan))

    def limits_of(self, plan: PlanRules) -> KeyLimits:
        """Make the limits of a key.

        Raises:
            UsageError: there is no such algorithm, or a rate allows nothing.
        """
        base = self._algorithms(self._base_rates(plan))
        rates = self.rates(plan)
        statistics = self._algorithms(rates[: len(rates) - len(base)])
        return KeyLimits(LimitSet([*statistics, *base], self.at_once(plan)), LimitSet(base))

    def _base_rates(self, plan: PlanRules) -> Sequence[tuple[int, float]]:
        if self.base_limits is not None:
            return self.base_limits
        return ((plan.base_per_minute, _MINUTE), (plan.base_per_hour, _HOUR)) if self.limits is None else ()

    def _algorithms(self, rates: Iterable[tuple[int, float]]) -> list[Algorithm]:
        return [
            algorithm(
                self.policing,
                requests,
                seconds,
                time_scale=self.time_scale,
                charge_refused=self.charge_refused,
            )
            for requests, seconds in rates
        ]


def _check_rates(name: str, rates: object) -> None:
    if rates is not None and not (isinstance(rates, Sequence) and all(map(_is_rate, rates))):
        raise UsageError(f"{name} are pairs of requests and seconds, such as [(15, 60.0)], not {rates!r}")


def _is_rate(rate: object) -> bool:
    match rate:
        case (int(), int() | float() as seconds):
            return math.isfinite(seconds)
    return False
