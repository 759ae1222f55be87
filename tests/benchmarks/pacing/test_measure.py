"""The part as a whole: what it runs, what it claims, and its remarks when something is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing import measure as module
from benchmarks.pacing.contenders import contenders
from benchmarks.pacing.measure import FULL, LONGER, QUICK, SHORT, TEN_YEARS, WIDE, Extent, measure
from hourlyclicks import Plan

if TYPE_CHECKING:
    from benchmarks.results import Section


def test_extents() -> None:
    """The full version has every plan and ten years; the quick one has two plans and not."""
    assert [plan.limits.rates[0].requests for plan in FULL.plans] == [9, 15, 24, 38, 60]
    assert FULL.seeds == {SHORT: 5, LONGER: 5, TEN_YEARS: 3}
    assert len(list(FULL.scenes(WIDE, TEN_YEARS))) == 15
    assert len(QUICK.plans) == 2
    assert TEN_YEARS not in QUICK.seeds


@pytest.fixture(scope="module")
def section() -> Section:
    """What is found on one plan, without nginx."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "QUICK", Extent((Plan.ENTERPRISE,), {SHORT: 1, LONGER: 1}))
        patch.setattr(module, "find_nginx", lambda: None)
        found = measure(quick=True, say=said.append)
    assert len(said) == 5
    return found


def test_claims(section: Section) -> None:
    """The claims hold, except for the leaky bucket on a network with jitter."""
    missed = [claim.text for claim in section.claims if not claim.holds]
    assert missed == ["even spacing: refused, leaky bucket without burst, 5 to 300 ms each way"]
    assert len(section.claims) == 7


def test_a_missed_claim_is_explained(section: Section) -> None:
    """The remark has the arithmetic."""
    explained = [remark for remark in section.remarks if remark.startswith("A leaky bucket")]
    assert len(explained) == 1
    assert "295 ms" in explained[0]
    assert "only to 10 requests a minute" in explained[0]


def test_what_was_not_run_is_said(section: Section) -> None:
    """Without nginx or ten years there are remarks."""
    assert "nginx is not installed, so it could not judge." in section.remarks
    assert any("never 3,653 requests" in remark for remark in section.remarks)


def test_figures(section: Section) -> None:
    """Every run is there, and JSON can have it."""
    figures = json.loads(json.dumps(section.figures))
    assert len(figures["runs"]) == 2 * 2 * len(contenders())
    assert {len(group) for group in figures["lessons"].values()} == {2}
    assert figures["nginx"] == []


def test_tables(section: Section) -> None:
    """Every contender has a row in every table of contenders."""
    assert len(section.tables) == 8
    for table in section.tables[:6]:
        assert [row[0] for row in table.rows] == list(contenders())
    assert section.markdown().count("| hourlyclicks, window |") == 8
