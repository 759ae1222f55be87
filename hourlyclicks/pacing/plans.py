"""What the vendor allows, as data.

The vendor has changed these figures several times and will again, so they stand in one table with their
source and date, and every one of them can be overridden with `Limits`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Any, Literal, Self, TypeAlias

import attrs

from hourlyclicks.errors import PlanError, UsageError
from hourlyclicks.model.checks import check_amount, check_type, check_whole
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.targets import Link, Target

Spacing: TypeAlias = Literal["window", "even"]


@attrs.frozen
class Rate:
    """At most so many requests in any stretch of so many seconds."""

    requests: int
    seconds: float = 60.0

    def __attrs_post_init__(self) -> None:
        check_whole("Rate.requests", self.requests, least=1)
        check_amount("Rate.seconds", self.seconds)


_RATE = re.compile(r"(?P<requests>[0-9]{1,9})/(?P<seconds>[0-9]{1,9}(\.[0-9]{1,9})?)")


def as_rate(value: Rate | str) -> Rate:
    """Return a rate; as text it is the requests and the seconds: ``"24/60"``.

    Raises:
        UsageError: it is none.
    """
    if isinstance(value, Rate):
        return value
    given: object = value
    found = _RATE.fullmatch(given) if isinstance(given, str) else None
    if found is None or not int(found["requests"]) or not float(found["seconds"]):
        raise UsageError(f"{value!r} is not requests/seconds, such as 24/60")
    return Rate(int(found["requests"]), float(found["seconds"]))


def _as_rates(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    found = _elements(rates)
    if not all(isinstance(rate, Rate) for rate in found):
        raise UsageError(f"Limits.rates takes Rate values, as in (Rate(24, 60.0),), not {rates!r}")
    return found


def _elements(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (None,)


@attrs.frozen
class Limits:
    """How fast the server may be asked.

    Args:
        rates: limits that all hold at once; ``()`` means unlimited.
        concurrency: requests in flight at a time.
        guard: seconds by which every window is taken longer than published, for servers that count in
            whole seconds.
        spacing: ``"window"`` lets requests go as soon as the window has room, so that a short range is
            answered at once; ``"even"`` also keeps 1.05 times the average interval between two requests,
            for servers that reject bursts.
    """

    rates: tuple[Rate, ...] = attrs.field(default=(), converter=_as_rates)
    concurrency: int = 1
    guard: float = 1.0
    spacing: Spacing = "window"

    def __attrs_post_init__(self) -> None:
        check_whole("Limits.concurrency", self.concurrency, least=1)
        check_amount("Limits.guard", self.guard, zero=True)
        if self.spacing not in ("window", "even"):
            raise UsageError(f"Limits.spacing is 'window' or 'even', not {self.spacing!r}")

    @property
    def interval(self) -> float:
        """The average interval in seconds that the tightest rate allows; 0 when unlimited."""
        return max((rate.seconds / rate.requests for rate in self.rates), default=0.0)

    @property
    def shortest_window(self) -> float:
        """The length in seconds of the shortest window; a minute when unlimited."""
        return min((rate.seconds for rate in self.rates), default=60.0)


class Plan(enum.Enum):
    """The vendor's plans, with the limits of its statistics API.

    Published on the vendor's pricing page, as read in November 2026. The hourly limits of all requests
    together (600 to 60,000) are out of reach at these rates; only requests for lists keep them.
    """

    FREE = "Free"
    PERSONAL = "Personal"
    PREMIUM = "Premium"
    BUSINESS = "Business"
    BUSINESS_PLUS = "Business Plus"
    ENTERPRISE = "Enterprise"

    @property
    def limits(self) -> Limits:
        """The published limits of the plan.

        Raises:
            PlanError: the plan has no access to the statistics API.
        """
        if self not in _PUBLISHED:
            raise _no_access(self)
        return _PUBLISHED[self]

    def check(self, target: Target) -> None:
        """Raise `PlanError` when the plan does not include that kind of target.

        Asked for a group all the same, the server would reject the request, or ignore the group and
        answer with other figures; the documentation leaves it open.
        """
        if self is Plan.FREE:
            raise _no_access(self)
        if self is Plan.PERSONAL and not isinstance(target, Link):
            raise PlanError(f"the {self.value} plan answers for single links only, not for {target}")


@attrs.frozen
class Allowance:
    """What a client may ask for, and how fast: by the rules of a plan, or by limits of the user's own.

    Args:
        plan: the plan; ``None``: it is not known, so no rule of a plan is checked.
        limits: how fast the statistics may be requested.
    """

    plan: Plan | None
    limits: Limits

    @classmethod
    def of(cls, plan: Plan | None, limits: Limits | None) -> Self:
        """Take the plan or the limits that were given; neither: the most careful plan.

        Raises:
            UsageError: both were given, or one of them is something else.
            PlanError: the plan has no access to the statistics API.
        """
        for name, value, kind in (("plan", plan, Plan), ("limits", limits, Limits)):
            if value is not None:
                check_type(name, value, kind)
        if limits is None:
            plan = plan or Plan.PERSONAL
            return cls(plan, plan.limits)
        if plan is not None:
            raise UsageError("give a plan or limits, not both")
        return cls(None, limits)

    @property
    def longest_range(self) -> RangeCap:
        """How many days one request for a range may ask for, at first."""
        return MONTH if self.plan is None else longest_range(self.plan)

    @property
    def list_limits(self) -> Limits:
        """How fast lists may be read; limits of the user's own are kept once more for them.

        Raises:
            PlanError: the plan does not include the lists.
        """
        return self.limits if self.plan is None else list_limits(self.plan)

    def check(self, target: Target) -> None:
        """Raise `UsageError` if it is no target, and `PlanError` if the plan does not include its kind."""
        if not isinstance(target, Target):
            raise UsageError(f"a target is an Account, a Link or a Group, not {target!r}")
        if self.plan is not None:
            self.plan.check(target)


def _no_access(plan: Plan) -> PlanError:
    return PlanError(f"the {plan.value} plan has no access to the statistics API")


def _per_minute(requests: int, *, concurrency: int) -> Limits:
    return Limits(rates=(Rate(requests, 60.0),), concurrency=concurrency)


_PUBLISHED = {
    Plan.PERSONAL: _per_minute(9, concurrency=1),  # 5 % of the plan's 180 requests of any kind
    Plan.PREMIUM: _per_minute(15, concurrency=1),
    Plan.BUSINESS: _per_minute(24, concurrency=2),
    Plan.BUSINESS_PLUS: _per_minute(38, concurrency=2),  # 38.4
    Plan.ENTERPRISE: _per_minute(60, concurrency=3),  # by contract; 3 unless agreed otherwise
}


def longest_range(plan: Plan) -> RangeCap:
    """Return how many days one request for a range may ask for, as published for the plan.

    Raises:
        PlanError: the plan has no access to the statistics API.
    """
    if plan not in _LONGEST_RANGES:
        raise _no_access(plan)
    return _LONGEST_RANGES[plan]


def list_limits(plan: Plan) -> Limits:
    """Return how fast the lists of links and groups may be read, as published for the plan.

    They count against the limit of all requests together, and so do the statistics. What these can need at
    most is left to them, so that both together keep the limit.

    Raises:
        PlanError: the plan does not include the lists.
    """
    if plan not in _BASE:
        raise PlanError(f"the {plan.value} plan does not include the lists of links and groups")
    statistics = plan.limits.rates[0].requests
    minute, hour = _BASE[plan]
    return Limits(rates=(Rate(minute - statistics, _MINUTE), Rate(hour - 60 * statistics, _HOUR)))


_MINUTE, _HOUR = 60.0, 3600.0

_BASE = {
    Plan.PREMIUM: (300, 15_000),
    Plan.BUSINESS: (480, 25_000),
    Plan.BUSINESS_PLUS: (768, 40_000),
    Plan.ENTERPRISE: (1_200, 60_000),
}
"""Requests of any kind in a minute and in an hour, of the plans that include the lists."""

_LONGEST_RANGES = {
    Plan.PERSONAL: RangeCap(7),
    Plan.PREMIUM: RangeCap(14),
    Plan.BUSINESS: MONTH,
    Plan.BUSINESS_PLUS: MONTH,
    Plan.ENTERPRISE: MONTH,
}
