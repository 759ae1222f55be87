"""Years of hourly click statistics, exactly and within the rate limits, from asyncio.

`Client` is where to begin. What it returns is in `hourlyclicks.model`, what it raises in
`hourlyclicks.errors`, what it tells while it works in `hourlyclicks.events`, and a server to try it on in
`hourlyclicks.simulator`.

The names are imported when they are first used (PEP 562), so that importing the package, or one quiet corner
of it such as its errors, does not cost the time that aiohttp takes to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hourlyclicks._version import __version__

if TYPE_CHECKING:
    from hourlyclicks.client import Client
    from hourlyclicks.errors import (
        ApiError,
        AuthenticationError,
        DecodeError,
        HourlyClicksError,
        IncompleteSeriesError,
        LeaseLostError,
        PlanError,
        RateLimitedError,
        ServerError,
        StoppedError,
        StoreError,
        TransportError,
        UsageError,
    )
    from hourlyclicks.fetching.retry import RetryPolicy
    from hourlyclicks.jobs.stream import DayStream
    from hourlyclicks.model.audit import AuditDifference, AuditReport
    from hourlyclicks.model.daily import DailyClicks, DailyCount
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks, HourClicks, HourStatus
    from hourlyclicks.model.listing import ListedGroup, ListedLink
    from hourlyclicks.model.periods import PeriodClicks
    from hourlyclicks.model.priority import Lane
    from hourlyclicks.model.report import BackfillReport, StopReason
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.state import ClientState, LaneState, PauseState, StoreState, WindowState
    from hourlyclicks.model.targets import Account, Group, Link, Query, Target
    from hourlyclicks.pacing.eta import Estimate, RequestPlan
    from hourlyclicks.pacing.plans import Limits, Plan, Rate
    from hourlyclicks.render.page import report, write_report
    from hourlyclicks.scanning.scan import Scan, scan
    from hourlyclicks.transport.protocol import Timeout, Transport

_HOMES = {
    "client": ("Client",),
    "errors": (
        "ApiError",
        "AuthenticationError",
        "DecodeError",
        "HourlyClicksError",
        "IncompleteSeriesError",
        "LeaseLostError",
        "PlanError",
        "RateLimitedError",
        "ServerError",
        "StoppedError",
        "StoreError",
        "TransportError",
        "UsageError",
    ),
    "model.audit": ("AuditDifference", "AuditReport"),
    "model.daily": ("DailyClicks", "DailyCount"),
    "model.daily_series": ("DailySeries",),
    "model.dates": ("DateRange",),
    "model.day": ("DayClicks", "HourClicks", "HourStatus"),
    "model.priority": ("Lane",),
    "model.listing": ("ListedGroup", "ListedLink"),
    "model.periods": ("PeriodClicks",),
    "model.report": ("BackfillReport", "StopReason"),
    "model.series": ("HourlySeries",),
    "model.state": ("ClientState", "LaneState", "PauseState", "StoreState", "WindowState"),
    "model.targets": ("Account", "Group", "Link", "Query", "Target"),
    "fetching.retry": ("RetryPolicy",),
    "jobs.stream": ("DayStream",),
    "transport.protocol": ("Timeout", "Transport"),
    "pacing.plans": ("Limits", "Plan", "Rate"),
    "pacing.eta": ("Estimate", "RequestPlan"),
    "scanning.scan": ("Scan", "scan"),
    "render.page": ("report", "write_report"),
}
_ROOMS = {"client", "clock", "errors", "events", "model", "otel", "pacing", "plot", "store", "wire"}
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "Account",
    "ApiError",
    "AuditDifference",
    "AuditReport",
    "AuthenticationError",
    "BackfillReport",
    "Client",
    "ClientState",
    "DailyClicks",
    "DailyCount",
    "DailySeries",
    "DateRange",
    "DayClicks",
    "DayStream",
    "DecodeError",
    "Estimate",
    "Group",
    "HourClicks",
    "HourStatus",
    "HourlyClicksError",
    "HourlySeries",
    "IncompleteSeriesError",
    "Lane",
    "LaneState",
    "LeaseLostError",
    "Limits",
    "Link",
    "ListedGroup",
    "ListedLink",
    "PauseState",
    "PeriodClicks",
    "Plan",
    "PlanError",
    "Query",
    "Rate",
    "RateLimitedError",
    "RequestPlan",
    "RetryPolicy",
    "Scan",
    "ServerError",
    "StopReason",
    "StoppedError",
    "StoreError",
    "StoreState",
    "Target",
    "Timeout",
    "Transport",
    "TransportError",
    "UsageError",
    "WindowState",
    "__version__",
    "report",
    "scan",
    "write_report",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of any type a module can hold
    """Import a public name from where it lives, or a part of the package, and keep it."""
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return thing


def __dir__() -> list[str]:
    """List the public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})
