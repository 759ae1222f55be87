"""Queries of all endpoints, parsed into questions.

A query is read as a form: percent-decoded UTF-8 in which ``+`` is a space. The first of two equal fields
counts, and an empty field is absent.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import urllib.parse
from collections.abc import Mapping

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link, Target
from hourlyclicks.simulator.endpoints import CLICKS_BY_HOUR, Endpoint
from hourlyclicks.simulator.rules import Code, Problem

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = _DAY + r" [0-9]{2}:[0-9]{2}:[0-9]{2}"
_NUMBER = r"[0-9]{1,18}"


@attrs.frozen(kw_only=True)
class Listing:
    """Which entries of a list are wanted, and which page of them.

    Args:
        page: the number of the page, from 1.
        created: the first and the last moment of creation, on the account's clock; ``None``: any.
        fields: what else the entries must have, by the names of the fields.
        groups: the numbers of the groups whose clicks are wanted; none: all groups.
    """

    page: int = 1
    created: tuple[dt.datetime, dt.datetime] | None = None
    fields: Mapping[str, str] = attrs.field(factory=dict)
    groups: tuple[int, ...] = ()


@attrs.frozen
class Question:
    """A parsed query string.

    Args:
        day: the day, or the first one of a range, if valid.
        target: the target, if valid.
        problem: what is wrong with the query, if anything.
        last: the last day of a range; for an endpoint of one day, that day.
        listing: what is asked of a list.
        endpoint: what is asked.
    """

    day: dt.date | None = None
    target: Target | None = None
    problem: Problem | None = None
    last: dt.date | None = None
    listing: Listing | None = None
    endpoint: Endpoint = CLICKS_BY_HOUR


class _RefusedError(Exception):
    """Raised by the parser with a problem."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(code, message)


def read_question(query: str, endpoint: Endpoint = CLICKS_BY_HOUR) -> Question:
    """Parse the raw query string of a request to an endpoint."""
    target = problem = day = last = None
    try:
        fields = _fields(query)
        if endpoint.asks == "group_days":
            day = _day(fields, "ymd")
            return Question(day, last=day, listing=_group_listing(fields), endpoint=endpoint)
        if endpoint.lists:
            return Question(listing=_listing(fields, endpoint), endpoint=endpoint)
        target = _target(fields.get("linkId"), fields.get("domain"), fields.get("grpIdx"))
    except _RefusedError as refused:
        return Question(problem=refused.problem, endpoint=endpoint)
    try:
        if endpoint.asks == "day":
            day = last = _day(fields, "ymd")
        else:
            day, last = _days(fields)
    except _RefusedError as refused:
        problem = refused.problem
    return Question(day, target, problem, last, None, endpoint)


def _fields(query: str) -> dict[str, str]:
    """Split a query."""
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


def _day(fields: Mapping[str, str], name: str) -> dt.date:
    text = fields.get(name)
    if text is None:
        raise _RefusedError(Code.DAY_MISSING, f"{name} is required")
    if re.fullmatch(_DAY, text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise _RefusedError(Code.DAY_INVALID, f"{name} must be a date such as 2025-04-20")


def _days(fields: Mapping[str, str]) -> tuple[dt.date, dt.date]:
    first, last = _day(fields, "startYmd"), _day(fields, "endYmd")
    if last < first:
        raise _RefusedError(Code.RANGE_INVALID, "endYmd lies before startYmd")
    return first, last


@functools.lru_cache(maxsize=1024)
def _target(link_id: str | None, domain: str | None, group: str | None) -> Target:
    if group is not None:
        if link_id is not None or domain is not None:
            raise _RefusedError(Code.LINK_AND_GROUP, "linkId and grpIdx exclude each other")
        if not re.fullmatch(_NUMBER, group):
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


def _listing(fields: Mapping[str, str], endpoint: Endpoint) -> Listing:
    """Read what is asked of a list; links need a period of creation and the number of a page."""
    links = endpoint.asks == "links"
    page = _page(fields.get("pages", "" if links else "1"))
    created = (_moment(fields, "regStartYmdt"), _moment(fields, "regEndYmdt")) if links else None
    if created is not None and created[1] < created[0]:
        raise _RefusedError(Code.PERIOD_INVALID, "regEndYmdt lies before regStartYmdt")
    names = ("linkId", "domain", "grpIdx") if links else ("nm",)
    return Listing(
        page=page, created=created, fields={name: fields[name] for name in names if name in fields}
    )


def _group_listing(fields: Mapping[str, str]) -> Listing:
    """Read which groups' clicks are asked for: numbers with commas between them, or nothing."""
    text = fields.get("grpIdx")
    numbers = [] if text is None else text.split(",")
    if not all(re.fullmatch(_NUMBER, number) for number in numbers):
        raise _RefusedError(Code.GROUP_INVALID, "grpIdx must be integers with commas between them")
    groups = tuple(dict.fromkeys(map(int, numbers)))
    return Listing(page=_page(fields.get("pages", "1")), groups=groups)


def _page(text: str) -> int:
    if not re.fullmatch(_NUMBER, text) or int(text) < 1:
        raise _RefusedError(Code.PAGE_INVALID, "pages must be an integer from 1")
    return int(text)


def _moment(fields: Mapping[str, str], name: str) -> dt.datetime:
    text = fields.get(name, "")
    if re.fullmatch(_MOMENT, text):
        try:
            return dt.datetime.fromisoformat(text)
        except ValueError:
            pass
    raise _RefusedError(Code.PERIOD_INVALID, f"{name} must be a moment such as 2025-04-20 00:00:00")
