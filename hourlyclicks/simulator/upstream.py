"""The API as a function of a request and a moment. No I/O, no rates, no faults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from hourlyclicks.simulator.delivery import Answer
from hourlyclicks.simulator.rules import (
    PATH,
    Code,
    PlanRules,
    Problem,
    identifiable,
    included,
    key_of,
    read_question,
)
from hourlyclicks.simulator.traffic import EMPTY, NOT_REPORTED, Traffic

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator.rules import (
        Question,
    )
    from hourlyclicks.simulator.traffic import Cells

Future: TypeAlias = Literal["error", "empty"]
"""The answer for a day that has not begun: an envelope error, or no rows."""

_JSON = (("Content-Type", "application/json; charset=utf-8"),)
_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_ROW = '{"ymd":"%s","hour":%d,"acesCnt":%d,"pernCnt":%d}'


def page(status: int, title: str) -> Answer:
    """Return an HTML error page of a web server."""
    body = f"<html>\n<head><title>{status} {title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
    return Answer(status, _HTML, body.encode())


def envelope(code: int, message: str, result: str = "[]") -> Answer:
    """Return an answer of the API; ``message`` must need no escapes, ``result`` is JSON already."""
    return Answer(
        200, _JSON, b'{"code":%d,"message":"%s","result":%s}' % (code, message.encode(), result.encode())
    )


def rows(day: dt.date, cells: Cells) -> str:
    """Return the rows of a day as JSON; an hour that is not reported has none."""
    ymd = day.isoformat()
    return (
        "["
        + ",".join([_ROW % (ymd, hour, *cell) for hour, cell in enumerate(cells) if cell[0] is not None])
        + "]"
    )


@attrs.frozen(kw_only=True)
class Upstream:
    """The account and its data.

    Args:
        keys: the plan of each API key.
        traffic: the clicks.
        zone: the account's time zone, in which its days begin.
        future: the answer for a day that has not begun.
    """

    keys: Mapping[str, PlanRules] = attrs.field(repr=False)
    traffic: Traffic = attrs.field(factory=Traffic)
    zone: dt.tzinfo = dt.UTC
    future: Future = "error"

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], now: dt.datetime
    ) -> Answer:
        """Answer a request.

        Args:
            method: the HTTP method.
            path: the path of the URL.
            query: the raw query string, as it came over the wire.
            headers: the header fields; their names in lower case, or a mapping that ignores case.
            now: the moment, aware.
        """
        return self.refuse(method, path, headers) or self.reply(read_question(query), headers, now)

    def refuse(self, method: str, path: str, headers: Mapping[str, str]) -> Answer | None:
        """Return the HTTP error for a wrong path, method, agent or key, or a plan without access, if so."""
        if path != PATH:
            return page(404, "Not Found")
        if method != "GET":
            return page(405, "Method Not Allowed").with_header("Allow", "GET")
        if not identifiable(headers.get("user-agent")):
            return page(403, "Forbidden")
        plan = self.plan_of(headers)
        if plan is None:
            return page(401, "Unauthorized")
        return None if plan.per_minute else page(403, "Forbidden")

    def plan_of(self, headers: Mapping[str, str]) -> PlanRules | None:
        """Return the plan of the key in a request."""
        return self.keys.get(key_of(headers.get("authorization")) or "")

    def reply(self, question: Question, headers: Mapping[str, str], now: dt.datetime) -> Answer:
        """Answer the query of an authorized request."""
        plan = self.plan_of(headers)
        day, target = question.day, question.target
        if plan is not None and target is not None and (problem := included(target, plan)):
            return _rejection(problem)
        if question.problem is not None:
            return _rejection(question.problem)
        if plan is None or target is None or day is None:
            return page(401, "Unauthorized")
        if self.future == "error" and day > now.astimezone(self.zone).date():
            return _rejection(Problem(Code.DAY_IN_FUTURE, "ymd lies in the future"))
        return envelope(Code.SUCCESS, "success", rows(day, self.cells(target, day, now)))

    def cells(self, target: Target, day: dt.date, now: dt.datetime) -> Cells:
        """Return the 24 hours of a day as known at a moment: hours that have not ended are not there."""
        local = now.astimezone(self.zone)
        today = local.date()
        if day > today:
            return EMPTY
        cells = self.traffic.day(target, day)
        if day < today:
            return cells
        return cells[: local.hour] + (NOT_REPORTED,) * (24 - local.hour)


def _rejection(problem: Problem) -> Answer:
    return envelope(problem.code, problem.message)
