"""The rules of the API for requests, as data and small functions.

Figures: the vendor's published plans, newest of three tables, read in November 2026. The error codes are this
simulator's own, since the vendor publishes none.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import re
import urllib.parse
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/api/statistics/v2/clicks-by-hour"


@attrs.frozen
class PlanRules:
    """What a plan includes.

    Args:
        name: its name, in lower case.
        per_minute: statistics requests allowed a minute; 0: no access.
        concurrent: statistics requests allowed at once.
        sums: whether the whole account and groups are included, not only single links.
    """

    name: str
    per_minute: int
    concurrent: int
    sums: bool = True


PLANS: Mapping[str, PlanRules] = MappingProxyType(
    {
        rules.name: rules
        for rules in (
            PlanRules("free", 0, 0, sums=False),
            PlanRules("personal", 9, 1, sums=False),
            PlanRules("premium", 15, 1),
            PlanRules("business", 24, 2),
            PlanRules("business_plus", 38, 2),
            PlanRules("enterprise", 60, 3),
        )
    }
)


def plan_rules(name: str) -> PlanRules:
    """Return a plan by its name, such as ``"business_plus"``, in any capitalisation and spacing.

    Raises:
        UsageError: there is no such plan.
    """
    rules = PLANS.get(re.sub(r"[\s-]+", "_", name.strip().lower()))
    if rules is None:
        raise UsageError(f"there is no plan {name!r}; there are {', '.join(PLANS)}")
    return rules


class Code(enum.IntEnum):
    """The ``code`` of an envelope; any value but 0 is a rejection."""

    SUCCESS = 0
    DAY_MISSING = 1001
    DAY_INVALID = 1002
    DAY_IN_FUTURE = 1003
    LINK_REQUIRED = 2001
    LINK_INCOMPLETE = 2002
    LINK_INVALID = 2003
    GROUP_INVALID = 2004
    GROUP_NOT_INCLUDED = 2005
    LINK_AND_GROUP = 2006
    QUERY_INVALID = 3001


@attrs.frozen
class Problem:
    """Why a request is rejected within the envelope."""

    code: Code
    message: str


@attrs.frozen
class Question:
    """A parsed query string.

    Args:
        day: the day, if valid.
        target: the target, if valid.
        problem: what is wrong with the query, if anything.
    """

    day: dt.date | None = None
    target: Target | None = None
    problem: Problem | None = None


class _RefusedError(Exception):
    """Raised by the parser with a problem."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(code, message)


def read_question(query: str) -> Question:
    """Parse a raw query string as a form: percent-decoded UTF-8 in which ``+`` is a space."""
    day = target = problem = None
    try:
        fields = _fields(query)
        target = _target(fields.get("linkId"), fields.get("domain"), fields.get("grpIdx"))
    except _RefusedError as refused:
        return Question(None, None, refused.problem)
    try:
        day = _day(fields.get("ymd"))
    except _RefusedError as refused:
        problem = refused.problem
    return Question(day, target, problem)


def _fields(query: str) -> dict[str, str]:
    """Split a query; the first of two equal fields counts, and an empty field is absent."""
    fields: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if value:
            fields.setdefault(_decoded(name), _decoded(value))
    return fields


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return urllib.parse.unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise _RefusedError(Code.QUERY_INVALID, "the query is not UTF-8") from None


def _day(text: str | None) -> dt.date:
    if text is None:
        raise _RefusedError(Code.DAY_MISSING, "ymd is required")
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise _RefusedError(Code.DAY_INVALID, "ymd must be a date such as 2025-04-20")


@functools.lru_cache(maxsize=1024)
def _target(link_id: str | None, domain: str | None, group: str | None) -> Target:
    if group is not None:
        if link_id is not None or domain is not None:
            raise _RefusedError(Code.LINK_AND_GROUP, "linkId and grpIdx exclude each other")
        if not re.fullmatch(r"[0-9]{1,18}", group):
            raise _RefusedError(Code.GROUP_INVALID, "grpIdx must be an integer")
        return Group(int(group))
    if link_id is None and domain is None:
        return Account()
    if link_id is None or domain is None:
        raise _RefusedError(Code.LINK_INCOMPLETE, "linkId and domain are required together")
    try:
        return Link(link_id, domain)
    except UsageError:
        raise _RefusedError(Code.LINK_INVALID, "domain must be given with its scheme") from None


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
