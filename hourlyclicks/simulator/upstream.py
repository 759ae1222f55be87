"""The API as a function of a request and a moment. No I/O, no rates, no faults."""

from __future__ import annotations

import datetime as dt
import functools
import http
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from hourlyclicks.model.targets import Account, Target
from hourlyclicks.simulator.catalogue import Catalogue, ListRules
from hourlyclicks.simulator.delivery import Answer
from hourlyclicks.simulator.endpoints import CLICKS_BY_HOUR, CLICKS_BY_RANGE, ENDPOINTS
from hourlyclicks.simulator.figures import Chosen
from hourlyclicks.simulator.questions import read_question
from hourlyclicks.simulator.ranges import RangeRules
from hourlyclicks.simulator.rules import Code, PlanRules, Problem, identifiable, included, key_of
from hourlyclicks.simulator.traffic import EMPTY, NOT_REPORTED, Traffic, day_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.simulator.endpoints import Endpoint
    from hourlyclicks.simulator.questions import Listing, Question
    from hourlyclicks.simulator.traffic import Cells

Future: TypeAlias = Literal["error", "empty"]
"""The answer for a day that has not begun: an envelope error, or no rows."""

_JSON = (("Content-Type", "application/json; charset=utf-8"),)
_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_ROW = '{"ymd":"%s","hour":%d,"acesCnt":%d,"pernCnt":%d}'
_ROW_OF_A_DAY = '{"ymd":"%s","acesCnt":%d,"pernCnt":%d}'
_ZEROS: Cells = ((0, 0),) * 24


def page(status: int, title: str) -> Answer:
    """Return an HTML error page of a web server."""
    body = f"<html>\n<head><title>{status} {title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
    return Answer(status, _HTML, body.encode())


def envelope(code: int, message: str, result: str = "[]", *, status: int = 200) -> Answer:
    """Return an answer of the API; ``message`` must need no escapes, ``result`` is JSON already."""
    body = b'{"code":%d,"message":"%s","result":%s}' % (code, message.encode(), result.encode())
    return Answer(status, _JSON, body)


def rows(day: dt.date, cells: Cells) -> Iterator[str]:
    """Return the rows of a day as JSON; an hour that is not reported has none."""
    ymd = day.isoformat()
    return (_ROW % (ymd, hour, *cell) for hour, cell in enumerate(cells) if cell[0] is not None)


@attrs.define(kw_only=True)
class Upstream:
    """The account and its data.

    Args:
        keys: the plan of each API key.
        traffic: the clicks.
        zone: the account's time zone, in which its days begin.
        future: the answer for a day that has not begun.
        ranges: how ranges of days are answered for.
        lists: how pages of links and groups are.
        catalogue: the links and groups.
        chosen: returns the figures that are not invented.
        known: the links and groups that exist; ``None``: all of them do.
    """

    keys: Mapping[str, PlanRules] = attrs.field(repr=False)
    traffic: Traffic = attrs.field(factory=Traffic)
    zone: dt.tzinfo = dt.UTC
    future: Future = "error"
    ranges: RangeRules = attrs.field(factory=RangeRules)
    lists: ListRules = attrs.field(factory=ListRules)
    catalogue: Catalogue = attrs.field(factory=Catalogue)
    chosen: Chosen | None = None
    known: frozenset[Target] | None = None

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
        question = read_question(query, endpoint_of(path))
        return self.refuse(method, path, headers) or self.reply(question, headers, now)

    def refuse(self, method: str, path: str, headers: Mapping[str, str]) -> Answer | None:
        """Return the HTTP error for a wrong path, method, agent or key, or a plan without access, if so."""
        if path not in ENDPOINTS:
            return page(404, "Not Found")
        if path == CLICKS_BY_RANGE.path and self.ranges.missing is not None:
            return page(self.ranges.missing, http.HTTPStatus(self.ranges.missing).phrase)
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
        if plan is None:
            return page(401, "Unauthorized")
        problem = self._problem(question, plan, now)
        if problem is not None:
            return envelope(problem.code, problem.message, status=self._status_of(problem))
        if question.listing is not None:
            return self._list(question, question.listing, now)
        return envelope(Code.SUCCESS, "success", f"[{','.join(self._rows(question, plan, now))}]")

    def _status_of(self, problem: Problem) -> int:
        """Return the HTTP status of a rejection."""
        return {Code.RANGE_TOO_LONG: self.ranges.refusal, Code.TARGET_UNKNOWN: 404}.get(problem.code, 200)

    def _problem(self, question: Question, plan: PlanRules, now: dt.datetime) -> Problem | None:
        """Return why a question is rejected, if so; the plan is looked at before the days."""
        if question.endpoint.lists:
            if not plan.sums:
                return Problem(Code.LISTS_NOT_INCLUDED, "lists are available from the Premium plan")
            return question.problem or self._problem_of_list(question, plan, now)
        denied = None if question.target is None else included(question.target, plan)
        problem = denied or question.problem or self._problem_of_target(question.target)
        return problem or self._problem_of_days(question, plan, now)

    def _problem_of_target(self, target: Target | None) -> Problem | None:
        if self.known is None or isinstance(target, Account) or target in self.known:
            return None
        return Problem(Code.TARGET_UNKNOWN, "there is no such link or group")

    def _problem_of_list(self, question: Question, plan: PlanRules, now: dt.datetime) -> Problem | None:
        listing = question.listing
        if listing is not None and question.endpoint.asks == "group_days":
            if plan.names_groups and not listing.groups:
                return Problem(Code.GROUPS_REQUIRED, "grpIdx is required on this plan")
            if len(listing.groups) > plan.groups:
                return Problem(Code.GROUPS_TOO_MANY, f"grpIdx may name {plan.groups} groups at most")
            return self._problem_of_days(question, plan, now)
        created = None if listing is None else listing.created
        if created is not None and self.lists.refuses(*created):
            return Problem(Code.PERIOD_TOO_LONG, "the period of creation is too long")
        return None

    def _problem_of_days(self, question: Question, plan: PlanRules, now: dt.datetime) -> Problem | None:
        first, last = question.day or dt.date.min, question.last or dt.date.min
        if self.future == "error" and last > now.astimezone(self.zone).date():
            name = "endYmd" if question.endpoint.asks == "range" else "ymd"
            return Problem(Code.DAY_IN_FUTURE, f"{name} lies in the future")
        if question.endpoint.asks == "range" and self.ranges.refuses(first, last, plan.cap):
            return Problem(Code.RANGE_TOO_LONG, "the range of days is too long")
        return None

    def cells(self, target: Target, day: dt.date, now: dt.datetime) -> Cells:
        """Return the 24 hours of a day as known at a moment: hours that have not ended are not there."""
        local = now.astimezone(self.zone)
        today = local.date()
        if day > today:
            return EMPTY
        chosen = None if self.chosen is None else self.chosen(target, day)
        cells = self.traffic.day(target, day) if chosen is None else chosen
        created = self.catalogue.created(target)
        if created is not None:
            cells = self._since(created, day, cells)
        if day < today:
            return cells
        return cells[: local.hour] + (NOT_REPORTED,) * (24 - local.hour)

    def _since(self, created: dt.datetime, day: dt.date, cells: Cells) -> Cells:
        """Leave out the hours before the moment of creation."""
        local = created.astimezone(self.zone)
        if day != local.date():
            return cells if day > local.date() else EMPTY
        return (NOT_REPORTED,) * local.hour + cells[local.hour :]

    def _rows(self, question: Question, plan: PlanRules, now: dt.datetime) -> Iterator[str]:
        """Yield the rows for a question."""
        target, first, last = question.target, question.day, question.last
        if target is None or first is None or last is None:  # pragma: no cover - that is a problem, see above
            return
        if question.endpoint.asks == "day":
            yield from rows(first, self.cells(target, first, now))
            return
        for day in self.ranges.covered(first, last, plan.cap) or ():
            yield from self._rows_of_range(question.endpoint, target, day, now)

    def _rows_of_range(
        self, endpoint: Endpoint, target: Target, day: dt.date, now: dt.datetime
    ) -> Iterator[str]:
        """Return the rows of a day in an answer for a range."""
        cells_of = functools.partial(self.cells, target, now=now)
        cells = self.ranges.cells(day, cells_of) if endpoint.hourly else cells_of(day)
        if cells == EMPTY and self.ranges.silent_days == "zeros" and day < now.astimezone(self.zone).date():
            cells = _ZEROS
        if endpoint.hourly:
            return rows(day, cells)
        figures = day_figures(cells)
        return iter(() if figures[0] is None else (_ROW_OF_A_DAY % (day.isoformat(), *figures),))

    def _list(self, question: Question, listing: Listing, now: dt.datetime) -> Answer:
        """Return a page of a list."""
        catalogue, day = self.catalogue, question.day
        if question.endpoint.asks == "links":
            page_ = catalogue.page_of_links(listing, self.lists, self.zone)
        elif day is None:
            page_ = catalogue.page_of_groups(listing, self.lists, self.zone)
        else:
            page_ = catalogue.page_of_group_clicks(
                listing, self.lists, lambda group: day_figures(self.cells(group, day, now))
            )
        return envelope(Code.SUCCESS, "success", page_)


def endpoint_of(path: str) -> Endpoint:
    """Return the endpoint at a path; another path is read like that of one day."""
    return ENDPOINTS.get(path, CLICKS_BY_HOUR)
