"""The part as a whole: what it runs, what it claims, and what it says when something is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing import measure as module
from benchmarks.pacing.measure import LONGER, SHORT, Extent, measure
from hourlyclicks import Plan

if TYPE_CHECKING:
    from benchmarks.results import Section


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
    """What is claimed holds, but for the leaky bucket on a network that is not steady."""
    missed = [claim.text for claim in section.claims if not claim.holds]
    assert missed == ["even spacing: rejected, leaky bucket without burst, 5 to 300 ms each way"]
    assert len(section.claims) == 7
