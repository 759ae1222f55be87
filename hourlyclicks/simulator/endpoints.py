"""The endpoints of the API that the simulator serves: their paths, and what they are asked for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen
class Endpoint:
    """One endpoint.

    Args:
        name: the name in counters, and in the conditions of a fault.
        path: the path of its URL.
        asks: what its query names: one day, a range of days, a page of a list, or a day and a page of groups.
        hourly: whether it answers with hours; else with days, links or groups.
    """

    name: str
    path: str
    asks: Literal["day", "range", "links", "groups", "group_days"]
    hourly: bool = False

    @property
    def lists(self) -> bool:
        """Whether it answers with a page of a list of what the account has."""
        return self.asks in {"links", "groups", "group_days"}


CLICKS_BY_HOUR = Endpoint("clicks-by-hour/v2", "/api/statistics/v2/clicks-by-hour", "day", hourly=True)
CLICKS_BY_RANGE = Endpoint("clicks-by-hour/v3", "/api/statistics/v3/clicks-by-hour", "range", hourly=True)
CLICKS_BY_DATE = Endpoint("clicks-by-date/v2", "/api/statistics/v2/clicks-by-date", "range")
LINKS = Endpoint("links/v1", "/api/link/v1/list", "links")
GROUPS = Endpoint("groups/v2", "/api/link-group/v2/list", "groups")
CLICKS_BY_GROUP = Endpoint("clicks-by-group/v1", "/api/link/v1/clicks-by-group", "group_days")

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        endpoint.path: endpoint
        for endpoint in (CLICKS_BY_HOUR, CLICKS_BY_RANGE, CLICKS_BY_DATE, LINKS, GROUPS, CLICKS_BY_GROUP)
    }
)
"""All endpoints, by their paths."""
