"""Many accounts at once: backfills of thousands of API keys, in one process or in several.

The rate limits belong to a key, so accounts do not slow each other down. `run_jobs` runs the backfills of
many accounts over one store and one session. It needs no engine: several processes may run it on the same
accounts, and what one of them holds, the others leave alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.keys import KeyRef
    from hourlyclicks.fleet.run import run_jobs
    from hourlyclicks.fleet.running import RunningFleet, running_fleets, stop_fleets
    from hourlyclicks.fleet.sources import JobsRef
    from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport

_HOMES = {
    "AccountJob": "fleet.accounts",
    "AccountReport": "model.fleet_report",
    "AccountState": "model.fleet_report",
    "FleetReport": "model.fleet_report",
    "JobsRef": "fleet.sources",
    "KeyRef": "fleet.keys",
    "RunningFleet": "fleet.running",
    "run_jobs": "fleet.run",
    "running_fleets": "fleet.running",
    "stop_fleets": "fleet.running",
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


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of any type a module can hold
    """Import a public name from where it lives, and keep it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = globals()[name] = getattr(import_module(f"hourlyclicks.{_HOMES[name]}"), name)
    return thing


def __dir__() -> list[str]:
    """List the public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})
