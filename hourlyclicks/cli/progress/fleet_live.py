"""The live view of many accounts: a bar, how many are in which state, and the last one that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from hourlyclicks.cli.progress.drawing import DrawnView, stacked
from hourlyclicks.cli.progress.fleet_stats import FleetRunStats
from hourlyclicks.render.phrases import safe

if TYPE_CHECKING:
    from rich.console import RenderableType


class LiveFleetView(DrawnView[FleetRunStats]):
    """Draw the sums of all accounts."""

    def render(self) -> RenderableType:
        """Return what to draw now."""
        now, stats = self._clock(), self.stats
        return stacked(
            [
                Text(safe(stats.title), style="bold"),
                self.bar(stats.share, f"{stats.share:.0%}"),
                Text(stats.counts()),
                Text(stats.remaining(now, self._wall()), style="bold cyan"),
                Text(stats.days(now), style="dim"),
                Text(safe(stats.news), style="yellow"),
            ]
        )
