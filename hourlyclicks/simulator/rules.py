"""The rules of the API for requests, as data and small functions.

Figures: the vendor's published plans, newest of three tables, read in November 2026. The error codes are this
simulator's own, since the vendor publishes none.
"""

from __future__ import annotations

import enum
import functools
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.pacing.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.model.targets import Target

Cap: TypeAlias = int | Literal["month"]
"""How many days a request for a range may name, as a number or as a month."""


@attrs.frozen
class PlanRules:
    """What a plan includes.

    Args:
        name: its name, in lower case.
        per_minute: statistics requests allowed a minute; 0: no access.
        concurrent: statistics requests allowed at once.
        sums: whether the whole account, groups and lists are included, not only single links.
        cap: how many days a request for a range may name.
        groups: how many groups a request for the clicks of groups may name.
        names_groups: whether it must name them.
        base_per_minute: requests of all kinds allowed a minute.
        base_per_hour: requests of all kinds allowed an hour.
    """

    name: str
    per_minute: int
    concurrent: int
    sums: bool = True
    cap: Cap = "month"
    base_per_minute: int = 1_200
    base_per_hour: int = 60_000
    groups: int = 30
    names_groups: bool = False


PLANS: Mapping[str, PlanRules] = MappingProxyType(
    {
        rules.name: rules
        for rules in (
            PlanRules("free", 0, 0, sums=False, cap=7, base_per_minute=30, base_per_hour=600),
            PlanRules("personal", 9, 1, sums=False, cap=7, base_per_minute=180, base_per_hour=10_000),
            PlanRules(
                "premium",
                15,
                1,
                cap=14,
                base_per_minute=300,
                base_per_hour=15_000,
                groups=5,
                names_groups=True,
            ),
            PlanRules("business", 24, 2, base_per_minute=480, base_per_hour=25_000),
            PlanRules("business_plus", 38, 2, base_per_minute=768, base_per_hour=40_000),
            PlanRules("enterprise", 60, 3),
        )
    }
)


def plan_rules(name: str | Plan) -> PlanRules:
    """Return a plan by its name, such as ``"business_plus"``, in any capitalisation and spacing.

    Raises:
        UsageError: there is no such plan.
    """
    given: object = name.value if isinstance(name, Plan) else name
    spelled = re.sub(r"[\s-]+", "_", given.strip().lower()) if isinstance(given, str) else ""
    if spelled not in PLANS:
        raise UsageError(f"there is no plan {name!r}; there are {', '.join(PLANS)}")
    return PLANS[spelled]


class Code(enum.IntEnum):
    """The ``code`` of an envelope; any value but 0 is a rejection."""

    SUCCESS = 0
    DAY_MISSING = 1001
    DAY_INVALID = 1002
    DAY_IN_FUTURE = 1003
    RANGE_INVALID = 1004
    RANGE_TOO_LONG = 1005
    LINK_REQUIRED = 2001
    LINK_INCOMPLETE = 2002
    LINK_INVALID = 2003
    GROUP_INVALID = 2004
    GROUP_NOT_INCLUDED = 2005
    LINK_AND_GROUP = 2006
    LISTS_NOT_INCLUDED = 2007
    GROUPS_REQUIRED = 2008
    GROUPS_TOO_MANY = 2009
    TARGET_UNKNOWN = 2010
    QUERY_INVALID = 3001
    PAGE_INVALID = 4001
    PERIOD_INVALID = 4002
    PERIOD_TOO_LONG = 4003


@attrs.frozen
class Problem:
    """Why a request is rejected within the envelope."""

    code: Code
    message: str


def included(target: Target, plan: PlanRules) -> Problem | None:
    """Return why a plan does not include a target, if so."""
    if plan.sums or isinstance(target, Link):
        return None
    if isinstance(target, Group):
        return Problem(Code.GROUP_NOT_INCLUDED, "grpIdx is available from the Premium plan")
    return Problem(Code.LINK_REQUIRED, "linkId and domain are required on the Personal plan")


_LIBRARIES = re.compile(
    r"\s*(?:python/|python-|aiohttp/|httpx/|curl/|wget/|java/|okhttp/|go-http-client/|node|axios/|undici|"
    r"libwww-perl/|apache-httpclient/|ruby|php|mozilla/?\s*$)",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=256)
def identifiable(user_agent: str | None) -> bool:
    """Return whether a User-Agent identifies an application: a product token, not a library's default."""
    return bool(user_agent) and "/" in str(user_agent) and not _LIBRARIES.match(str(user_agent))


def key_of(authorization: str | None) -> str | None:
    """Return the key of an ``Authorization: APIKey …`` header."""
    scheme, _, key = (authorization or "").partition(" ")
    return key if scheme == "APIKey" and key else None
