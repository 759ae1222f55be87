"""What a call is told by its circuit breakers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query, Target


class BreakerListener:
    """What a call counts when the circuit breakers decide something. This one counts nothing."""

    def unfinished(self, target: Target) -> int:
        """Return how many days of a target are not done."""
        del target
        return 0

    def became_final(self, query: Query) -> None:
        """Note that the rejection of a day that had failed is final."""

    def recovered(self, query: Query, day: DayClicks) -> None:
        """Note that a day that had failed was answered after all."""

    def outage(self, error: HourlyClicksError) -> None:
        """Note that the API rejects everything; see `hourlyclicks.jobs.outage`."""
