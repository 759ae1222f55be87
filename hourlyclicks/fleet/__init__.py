"""Many accounts at once: backfills of thousands of API keys, in one process or in several.

The rate limits belong to a key, so accounts do not slow each other down. `run_jobs` runs the backfills of
many accounts over one store and one session. It needs no engine: several processes may run it on the same
accounts, and what one of them holds, the others leave alone.
"""

from typing import TYPE_CHECKING

from hourlyclicks.lazy import lazy_names

if TYPE_CHECKING:
    from hourlyclicks.coordination.fleet_runs import RunningFleet, running_fleets, stop_fleets
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.keys import KeyRef
    from hourlyclicks.fleet.run import run_jobs
    from hourlyclicks.fleet.sources import JobsRef
    from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport

_HOMES = {
    "AccountJob": "fleet.accounts",
    "AccountReport": "model.fleet_report",
    "AccountState": "model.fleet_report",
    "FleetReport": "model.fleet_report",
    "JobsRef": "fleet.sources",
    "KeyRef": "fleet.keys",
    "RunningFleet": "coordination.fleet_runs",
    "run_jobs": "fleet.run",
    "running_fleets": "coordination.fleet_runs",
    "stop_fleets": "coordination.fleet_runs",
}

__all__ = [
    "AccountJob",
    "AccountReport",
    "AccountState",
    "FleetReport",
    "JobsRef",
    "KeyRef",
    "RunningFleet",
    "run_jobs",
    "running_fleets",
    "stop_fleets",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
