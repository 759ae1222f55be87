"""One limit for several processes: the arbiter that grants slots, and the limiter backend that asks it.

`running_backfills` shows the backfills that run on a store, and `stop_backfills` asks them to stop.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hourlyclicks.coordination.runs import RunningBackfill, running_backfills, stop_backfills

__all__ = ["RunningBackfill", "running_backfills", "stop_backfills"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of any type a module can hold
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = globals()[name] = getattr(import_module(f"{__name__}.runs"), name)
    return thing


def __dir__() -> list[str]:
    """List the public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})
