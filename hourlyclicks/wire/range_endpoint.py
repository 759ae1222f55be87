"""Endpoints that answer for a range of days a request.

It is not documented what the server does with a range that is too long, and whether both ends are included.
So nothing is concluded here from a day that has no rows. `hourlyclicks.model.range_proof` tells which of
these days were answered for.
"""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs

from hourlyclicks.errors import ApiError, HourlyClicksError, ServerError
from hourlyclicks.model.questions import Question
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.rejections import rejects
from hourlyclicks.wire.names import FIRST_YMD, LAST_YMD
from hourlyclicks.wire.request import build_request
from hourlyclicks.wire.status import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.targets import Target
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin
    from hourlyclicks.wire.status import RateLimited

Day_co = TypeVar("Day_co", covariant=True)

_DAY = dt.timedelta(days=1)
_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.NOT_IMPLEMENTED}


class ReadRange(Protocol[Day_co]):
    """Reads the body of a response for a range of days; see `hourlyclicks.wire.endpoints.Endpoint.decode`."""

    def __call__(
        self,
        days: DateRange,
        response: Response,
        *,
        fetched_at: dt.datetime,
        is_final: Callable[[dt.date, dt.datetime], bool],
        key: ApiKey | None = None,
    ) -> tuple[Day_co, ...]:
        """Return the days that have rows, in order."""
        ...


@attrs.frozen
class RangeEndpoint(Generic[Day_co]):
    """An `Endpoint` that answers for a range of days a request; see there.

    Args:
        name: its name.
        path: its path.
        read: reads its answers.
        cap: how many days `split` puts into one question.
    """

    name: str
    path: str
    read: ReadRange[Day_co]
    cap: RangeCap = MONTH

    def split(self, days: DateRange, target: Target) -> Iterator[Question]:
        """Yield a question for each part of a range, as long as one request can be."""
        first = days.start
        while (last := self.cap.last(first)) < days.end:
            yield Question(first, last, target, self.name)
            first = last + _DAY
        yield Question(first, days.end, target, self.name)

    def build(self, question: Question, origin: Origin) -> Request:
        """Return the request for the days of a question."""
        first, last = question.first.isoformat(), question.last.isoformat()
        return build_request(origin, self.path, question.target, f"{FIRST_YMD}={first}&{LAST_YMD}={last}")

    def judge(
        self, response: Response, now: dt.datetime, *, key: ApiKey | None = None
    ) -> RateLimited | HourlyClicksError | None:
        """Return what the status of a response means; see `is_refusal` and `is_missing` for the errors."""
        return judge(response, now, key=key)

    def decode(
        self,
        question: Question,
        response: Response,
        *,
        fetched_at: dt.datetime,
        is_final: Callable[[dt.date, dt.datetime], bool],
        key: ApiKey | None = None,
    ) -> tuple[Day_co, ...]:
        """Return the days that have rows."""
        try:
            return self.read(question.days, response, fetched_at=fetched_at, is_final=is_final, key=key)
        except HourlyClicksError as error:
            error.target = question.target
            if question.first == question.last:
                error.about(question.first, question.target)
            raise


def is_refusal(error: HourlyClicksError) -> bool:
    """Return whether an error may be about the length of the range, so that a shorter one may be answered."""
    return rejects(error) or (
        isinstance(error, ApiError) and error.code is None and error.status in _REFUSALS
    )


def is_missing(error: HourlyClicksError) -> bool:
    """Return whether an error says that the server does not have this endpoint: HTTP 404, 410 or 501."""
    if isinstance(error, ApiError):
        return error.code is None and error.status in _MISSING
    return isinstance(error, ServerError) and error.status in _MISSING
