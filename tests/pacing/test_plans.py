from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import PlanError, UsageError
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.pacing.plans import Limits, Plan, Rate, list_limits, longest_range

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

LINK = Link("kYdr", "https://vvd.bz")


@pytest.mark.parametrize(
    ("plan", "requests", "concurrency"),
    [
        (Plan.PERSONAL, 9, 1),
        (Plan.PREMIUM, 15, 1),
        (Plan.BUSINESS, 24, 2),
        (Plan.BUSINESS_PLUS, 38, 2),
        (Plan.ENTERPRISE, 60, 3),
    ],
)
def test_published_limits(plan: Plan, requests: int, concurrency: int) -> None:
    """Each plan has the published rate and concurrency, and a guard of a second."""
    published = Limits(rates=(Rate(requests, 60.0),), concurrency=concurrency, guard=1.0, spacing="window")
    assert published == plan.limits


def test_free_has_no_limits() -> None:
    """The free plan has no access to the API, and so no limits."""
    with pytest.raises(PlanError, match="Free plan has no access"):
        _ = Plan.FREE.limits


@pytest.mark.parametrize("target", [Account(), Group(1), LINK], ids=str)
def test_free_answers_nothing(target: Target) -> None:
    """The free plan includes no kind of target."""
    with pytest.raises(PlanError, match="no access"):
        Plan.FREE.check(target)


@pytest.mark.parametrize("target", [Account(), Group(1)], ids=str)
def test_personal_answers_for_links_only(target: Target) -> None:
    """The personal plan rejects accounts and groups before anything is sent."""
    with pytest.raises(PlanError, match="single links only"):
        Plan.PERSONAL.check(target)
    Plan.PERSONAL.check(LINK)


@pytest.mark.parametrize("plan", [Plan.PREMIUM, Plan.BUSINESS, Plan.BUSINESS_PLUS, Plan.ENTERPRISE])
@pytest.mark.parametrize("target", [Account(), Group(1), LINK], ids=str)
def test_larger_plans_answer_for_everything(plan: Plan, target: Target) -> None:
    """From Premium on every kind of target is included."""
    plan.check(target)


@pytest.mark.parametrize("requests", [0, -1, 1.0, "9", None, True])
def test_a_rate_counts_whole_requests(requests: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A rate allows a whole number of requests, at least one."""
    with pytest.raises(UsageError, match=r"Rate\.requests"):
        Rate(requests)


@pytest.mark.parametrize("seconds", [0, -1.0, math.inf, math.nan])
def test_a_window_has_a_length(seconds: float) -> None:
    """The window of a rate is positive and finite."""
    with pytest.raises(UsageError, match=r"Rate\.seconds"):
        Rate(1, seconds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rates", (60,)),
        ("concurrency", 0),
        ("concurrency", 1.5),
        ("concurrency", True),
        ("guard", -0.1),
        ("guard", math.nan),
        ("guard", math.inf),
        ("spacing", "uneven"),
    ],
)
def test_invalid_limits_are_errors(name: str, value: object) -> None:
    """Every argument is checked when limits are made, and named in the error."""
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(UsageError, match=rf"Limits\.{name}"):
        Limits(**arguments)


def test_limits_keep_their_rates() -> None:
    """Rates may be any iterable; the limits keep them as a tuple and stay hashable."""
    limits = Limits(rates=[Rate(1), Rate(2, 3600)])
    assert limits.rates == (Rate(1, 60.0), Rate(2, 3600))
    assert hash(limits) == hash(Limits(rates=(Rate(1), Rate(2, 3600))))


def test_the_tightest_rate_gives_the_interval() -> None:
    """The average interval is that of the tightest rate; the shortest window is that of any rate."""
    limits = Limits(rates=(Rate(10, 60.0), Rate(100, 3600.0)))
    assert limits.interval == 36.0
    assert limits.shortest_window == 60.0


def test_unlimited() -> None:
    """Without rates the interval is zero, and the window counts as a minute."""
    assert Limits().interval == 0.0
    assert Limits().shortest_window == 60.0


def test_a_plan_without_access_has_no_ranges() -> None:
    """The Free plan answers for no range; the others do, for up to a week, two weeks or a month."""
    with pytest.raises(PlanError, match="no access"):
        longest_range(Plan.FREE)
    assert {longest_range(plan).days for plan in Plan if plan is not Plan.FREE} == {7, 14, None}


@pytest.mark.parametrize(
    ("plan", "minute", "hour"),
    [
        (Plan.PREMIUM, 285, 14_100),
        (Plan.BUSINESS, 456, 23_560),
        (Plan.BUSINESS_PLUS, 730, 37_720),
        (Plan.ENTERPRISE, 1_140, 56_400),
    ],
)
def test_lists_have_what_the_statistics_leave(plan: Plan, minute: int, hour: int) -> None:
    """Together with the statistics at their limit, they keep the limit of all requests; one at a time."""
    assert list_limits(plan) == Limits(rates=(Rate(minute, 60.0), Rate(hour, 3600.0)), concurrency=1)


@pytest.mark.parametrize("plan", [Plan.FREE, Plan.PERSONAL])
def test_small_plans_have_no_lists(plan: Plan) -> None:
    """Lists begin with the Premium plan."""
    with pytest.raises(PlanError, match=f"the {plan.value} plan does not include the lists"):
        list_limits(plan)
