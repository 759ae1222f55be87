"""The targets of a backfill, as they are known while it runs, and which of their days are meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from hourlyclicks.jobs.gaps import FirstGaps  # noqa: TC004 - loaded where it is used
    from hourlyclicks.jobs.target_feed import TargetFeed  # noqa: TC004 - loaded where it is used


@attrs.frozen(eq=False)
class BackfillTargets:
    """The targets of one backfill.

    Args:
        ranges: the days of each target that is known so far. The run adds those that `feed` has read, and
            narrows the days of each to those from its first gap on, if only these are meant.
        feed: reads further targets during the run; ``None``: all are known. Not in the order ``newest-day``.
        since: the first days of targets that have one.
        gaps: finds the first gap of each target; ``None``: all days are meant.
    """

    ranges: dict[Target, DateRange]
    feed: TargetFeed | None = None
    since: Mapping[Target, dt.date] = attrs.field(factory=dict)
    gaps: FirstGaps | None = None
