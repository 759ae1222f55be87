"""Years of hourly click statistics, exactly and within the rate limits, from asyncio.

`Client` is where to begin. What it returns is in `hourlyclicks.model`, what it raises in
`hourlyclicks.errors`, what it tells while it works in `hourlyclicks.events`, and a server to try it on in
`hourlyclicks.simulator`.
"""

from hourlyclicks._version import __version__
from hourlyclicks.client import Client
from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    HourlyClicksError,
    IncompleteSeriesError,
    PlanError,
    RateLimitedError,
    ServerError,
    TransportError,
    UsageError,
)
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks, HourClicks, HourStatus
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.targets import Account, Group, Link, Target
from hourlyclicks.net.retry import RetryPolicy
from hourlyclicks.net.runs import DayStream
from hourlyclicks.net.transport import Timeout
from hourlyclicks.pacing.lanes import Lane
from hourlyclicks.pacing.plans import Limits, Plan, Rate
from hourlyclicks.pacing.schedule import Estimate

__all__ = [
    "Account",
    "ApiError",
    "AuthenticationError",
    "Client",
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
    "Limits",
    "Link",
    "Plan",
    "PlanError",
    "Rate",
    "RateLimitedError",
    "RetryPolicy",
    "ServerError",
    "Target",
    "Timeout",
    "TransportError",
    "UsageError",
    "__version__",
]
