"""The vendor's names, as data: where the figures are asked for, and what everything is called there."""

from __future__ import annotations

from typing import NamedTuple

AUTHORIZATION_SCHEME = "APIKey"


class Endpoint(NamedTuple):
    """One address of the API.

    Args:
        path: its path below the base URL.
        day: the name of the parameter for the day, ``YYYY-MM-DD``.
        link: the name of the parameter for the id of a link.
        domain: the name of the parameter for the domain of a link, with its scheme.
        group: the name of the parameter for the number of a group.
    """

    path: str
    day: str
    link: str
    domain: str
    group: str


CLICKS_BY_HOUR = Endpoint(
    path="/api/statistics/v2/clicks-by-hour",
    day="ymd",
    link="linkId",
    domain="domain",
    group="grpIdx",
)
"""The hours of one day."""

CODE, MESSAGE, RESULT = "code", "message", "result"
"""The members of every answer; code 0 is success."""

YMD, HOUR, CLICKS, UNIQUE_USERS = "ymd", "hour", "acesCnt", "pernCnt"
"""The members of one row of ``result``: its day, its hour, and the two figures."""
