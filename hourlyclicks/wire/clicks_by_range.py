"""Clicks by hour, version 3 of the API: the hours of a range of days.

It is not documented what the server does with a range that is too long, and whether both ends are included.
So nothing is concluded here from a day that has no rows. `hourlyclicks.model.range_proof` tells which of
these days were answered for.
"""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from hourlyclicks.errors import ApiError, HourlyClicksError, ServerError
from hourlyclicks.model.questions import Question
from hourlyclicks.model.range_caps import MONTH
from hourlyclicks.model.rejections import rejects
from hourlyclicks.wire.decode import decode_days
from hourlyclicks.wire.names import FIRST_YMD, LAST_YMD
from hourlyclicks.wire.request import build_request
from hourlyclicks.wire.status import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin
    from hourlyclicks.wire.status import RateLimited

_NAME = "clicks-by-hour/v3"
_PATH = "/api/statistics/v3/clicks-by-hour"
_DAY = dt.timedelta(days=1)

_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.NOT_IMPLEMENTED}


class ClicksByRange:
    """An `Endpoint` that answers for a range of days a request; see there.

    Args:
        cap: how many days `split` puts into one question.
    """

    name: Final = _NAME

    def __init__(self, cap: RangeCap = MONTH) -> None:
        self.cap = cap

    def split(self, days: DateRange, target: Target) -> Iterator[Question]:
        """Yield a question for each part of a range, as long as one request can be."""
        first = days.start
        while (last := self.cap.last(first)) < days.end:
            yield Question(first, last, target, _NAME)
            first = last + _DAY
        yield Question(first, days.end, target, _NAME)

    def build(self, question: Question, origin: Origin) -> Request:
        """Return the request for the days of a question."""
        first, last = question.first.isoformat(), question.last.isoformat()
        return build_request(origin, _PATH, question.target, f"{FIRST_YMD}={first}&{LAST_YMD}={last}")

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
    ) -> tuple[DayClicks, ...]:
        """Return the days that have rows."""
        try:
            return decode_days(question.days, response, fetched_at=fetched_at, is_final=is_final, key=key)
        except HourlyClicksError as error:
            error.target = question.target
            if question.first == question.last:
                error.about(question.first, question.target)
            raise


CLICKS_BY_RANGE: Final = ClicksByRange()


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
