"""Arguments of a simulator that cannot be meant."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Link
from hourlyclicks.pacing.plans import Plan
from hourlyclicks.simulator import RangeRules, Simulator, VirtualClock
from tests.cases import every_case

LINK = Link("kYdr", "https://vvd.bz")

WRONG: list[tuple[str, Any]] = [
    ("plan", None),
    ("plan", 3),
    ("plan", "gold"),
    ("keys", {}),
    ("keys", ["a key"]),
    ("keys", {"": "premium"}),
    ("keys", {7: "premium"}),
    ("keys", {"a key": None}),
    ("seed", "1"),
    ("limits", 5),
    ("limits", [15]),
    ("limits", [("15", 60.0)]),
    ("limits", [(15, float("inf"))]),
    ("base_limits", {"15": 60}),
    ("concurrency", -1),
    ("concurrency", "2"),
    ("policing", "none"),
    ("policing", None),
    ("time_scale", 0),
    ("time_scale", "1"),
    ("charge_refused", 1),
    ("retry_after", "soon"),
    ("faults", "all"),
    ("latency", None),
    ("latency", 0.1),
    ("latency", (0.3, 0.1)),
    ("latency", (-0.1, 0.1)),
    ("latency", (0.1, float("inf"))),
    ("today", "2025-04-01"),
    ("today", dt.datetime(2025, 4, 1)),  # noqa: DTZ001 - the point of the test
    ("timezone", "Mars/Phobos"),
    ("future", "later"),
    ("active_days", "50"),
    ("active_days", 101),
    ("ranges", 7),
    ("lists", {}),
    ("catalogue", []),
    ("host", None),
    ("host", ""),
    ("port", -1),
    ("port", 65_536),
    ("port", "8000"),
    ("clock", "noon"),
    ("figures", [LINK]),
    ("figures", {LINK: [0] * 24}),
    ("figures", {("kYdr", "2025-04-01"): [0] * 24}),
    ("figures", {(LINK, "1 April"): [0] * 24}),
    ("figures", {(LINK, "2025-04-01"): [0] * 23}),
    ("figures", {(LINK, "2025-04-01"): "0" * 24}),
    ("figures", {(LINK, "2025-04-01"): [-1] * 24}),
    ("figures", {(LINK, "2025-04-01"): [0.5] * 24}),
    ("figures", {(LINK, "2025-04-01"): [(1, 2, 3)] * 24}),
    ("figures", {(LINK, "2025-04-01"): [(1, None)] * 24}),
    ("figures", {(LINK, "2025-04-01"): {24: 1}}),
    ("figures", {(LINK, "2025-04-01"): {"9": 1}}),
    ("known", LINK),
    ("known", "kYdr"),
    ("known", ["kYdr"]),
]


@every_case(("name", "value"), WRONG)
def test_a_wrong_argument_is_one_sentence(name: str, value: object) -> None:
    """Whatever is given for an argument, the error is a `UsageError` whose message has the value in it."""
    options: dict[str, Any] = {name: value}
    with pytest.raises(UsageError) as caught:
        Simulator(**options)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[0] != "'"


@pytest.mark.parametrize("plan", ["premium", "Business Plus", "business-plus", Plan.BUSINESS_PLUS])
def test_a_plan_is_a_name_or_a_plan(plan: str | Plan) -> None:
    """A plan is given as to a client, or by its name in any spelling."""
    assert Simulator(plan=plan).key
    assert Simulator(keys={"a key": plan}).key == "a key"


def test_what_is_set_later_is_checked_too() -> None:
    """A wrong value for an attribute is an error, and the old one stays."""
    simulator = Simulator(known=[LINK], figures={(LINK, "2025-04-01"): {9: 1}})
    before = simulator.faults, simulator.known, simulator.figures, simulator.ranges
    for name in ("faults", "known", "figures", "ranges"):
        with pytest.raises(UsageError):
            setattr(simulator, name, 7)
    assert before == (simulator.faults, simulator.known, simulator.figures, simulator.ranges)
    assert simulator.known == frozenset([LINK])
    simulator.ranges, simulator.known = RangeRules(cap=7), [Account()]
    assert simulator.ranges.cap == 7
    assert simulator.known == frozenset([Account()])


def test_a_thread_needs_a_clock_that_goes_by_itself() -> None:
    """On a virtual clock the thread would wait for ever."""
    with pytest.raises(UsageError, match="a clock on which time passes by itself"):
        Simulator.in_thread(clock=VirtualClock())
