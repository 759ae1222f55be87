"""Ladder, cap checks, proof and plan together find each day, on servers that shorten ranges.

This is the simplest run that uses them. It asks a server that is a pure function, about one target.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.jobs.range_plan import cap_checks, plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import LADDER, MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.simulator import RangeRules
from tests.sizes import sample

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from hourlyclicks.simulator.ranges import TooLong
    from hourlyclicks.simulator.rules import Cap

EVER = DateRange.of("2020-01-01", "2025-12-31")
ASKED = DateRange.of("2023-01-01", "2025-06-30")
TOO_LONG: list[TooLong] = ["refuse", "cut_end", "cut_start", "whole"]
CAPS: list[Cap] = [7, 14, 31, "month"]
SERVERS = [(too_long, cap, active) for too_long in TOO_LONG for cap in CAPS for active in (100, 50, 10, 2)]


class Run:
    """Asks a server about one target until every day is certain.

    Args:
        rules: how the server answers.
        active: the days that have clicks.

    Attributes:
        requests: how many were sent.
        proof: what is proved about the server.
        answers: the ranges that were answered, and their days with rows.
    """

    def __init__(self, rules: RangeRules, active: AbstractSet[dt.date]) -> None:
        self.rules = rules
        self.active = active
        self.requests = 0
        self.proof = RangeProof()
        self.answers: list[tuple[DateRange, AbstractSet[dt.date]]] = []

    def ask(self, asked: DateRange) -> AbstractSet[dt.date] | None:
        """Return the days with rows; ``None``: the range is refused."""
        self.requests += 1
        if self.rules.refuses(asked.start, asked.end, "month"):
            return None
        answered = self.active & set(self.rules.covered(asked.start, asked.end, "month") or ())
        self.proof = self.proof.after(asked, answered)
        self.answers.append((asked, answered))
        return answered

    def found(self) -> set[dt.date]:
        """Return the days with rows in any answer."""
        return set[dt.date]().union(*(answered for _, answered in self.answers))

    def certain(self) -> set[dt.date]:
        """Return the days that were answered for, by all that is proved until now."""
        return {
            day
            for asked, answered in self.answers
            for day in set(asked).difference(self.proof.uncertain(asked, answered))
        }

    def keeps(self, cap: RangeCap) -> bool:
        """Return whether a server that answers keeps ranges of a length, by two cap checks."""
        day = sorted(self.found())[len(self.found()) // 2]
        return all(day in (self.ask(asked) or ()) for asked in cap_checks(day, cap, within=EVER))

    def all_days(self) -> None:
        """Ask for all days once, prove the cap at the first with clicks, then ask for what is uncertain."""
        cap: RangeCap = MONTH
        proved, asked = False, set[dt.date]()
        while missing := set(ASKED) - self.certain():
            if self.found() and not proved:
                proved = self.keeps(cap)
                cap = cap if proved else cap.smaller() or LADDER[-1]
                continue
            days = plan_ranges(missing - asked or missing, cap, within=EVER)[0]
            if self.ask(days) is None:
                cap = cap.smaller() or LADDER[-1]
            else:
                asked.update(days)


@pytest.mark.parametrize(("too_long", "cap", "active_days"), sample(SERVERS, 8))
def test_every_day_is_found(too_long: TooLong, cap: Cap, active_days: int) -> None:
    """No day is missed, with at most 12 requests more than the fewest, for dense and for sparse targets."""
    source = random.Random(active_days)
    active = {day for day in EVER if source.random() * 100 < active_days}
    run = Run(RangeRules(cap=cap, too_long=too_long), active)
    run.all_days()
    assert active & set(ASKED) <= run.found()
    longest = RangeCap(cap) if isinstance(cap, int) and cap < 31 and too_long != "whole" else MONTH
    fewest = len(plan_ranges(ASKED, longest, within=EVER))
    assert run.requests <= fewest + 12


def test_cap_checks_are_not_made_shorter() -> None:
    """A check that would ask for days that cannot be asked for is left out: a shorter one proves less."""
    day, last = dt.date(2025, 6, 10), dt.date(2025, 6, 20)
    assert cap_checks(day, RangeCap(7), within=DateRange(EVER.start, last)) == [
        DateRange.of("2025-06-10", "2025-06-16"),
        DateRange.of("2025-06-04", "2025-06-10"),
    ]
    assert cap_checks(day, RangeCap(14), within=DateRange(EVER.start, last)) == [
        DateRange.of("2025-05-28", "2025-06-10")
    ]
