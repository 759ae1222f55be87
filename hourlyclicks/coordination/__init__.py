"""One limit for several processes: the arbiter that grants slots, and the limiter backend that asks it.

All of it is kept in the store, which is used by its protocol only; no request is sent here.

`running_backfills` shows the backfills that run on a store, and `stop_backfills` asks them to stop.
"""

from typing import TYPE_CHECKING

from hourlyclicks.lazy import lazy_names

if TYPE_CHECKING:
    from hourlyclicks.coordination.runs import RunningBackfill, running_backfills, stop_backfills

__all__ = ["RunningBackfill", "running_backfills", "stop_backfills"]

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "coordination.runs"))
