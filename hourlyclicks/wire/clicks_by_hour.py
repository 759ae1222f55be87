"""Clicks by hour, version 2 of the API: the 24 hours of one day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.questions import Question
from hourlyclicks.wire.decode import decode_day
from hourlyclicks.wire.names import YMD
from hourlyclicks.wire.request import build_request
from hourlyclicks.wire.status import judge

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.targets import Target
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin
    from hourlyclicks.wire.status import RateLimited

_NAME = "clicks-by-hour/v2"
_PATH = "/api/statistics/v2/clicks-by-hour"


class ClicksByHour:
    """An `Endpoint` that answers for one day a request; see there."""

    name: Final = _NAME

    def split(self, days: DateRange, target: Target) -> Iterator[Question]:
        """Return a question for each day."""
        return (Question(day, day, target, _NAME) for day in days)

    def build(self, question: Question, origin: Origin) -> Request:
        """Return the request for the one day of a question."""
        if question.first != question.last:
            raise ValueError(f"{_NAME} answers for one day a request, not for {question.days}")
        return build_request(origin, _PATH, question.target, f"{YMD}={question.first.isoformat()}")

    def judge(
        self, response: Response, now: dt.datetime, *, key: ApiKey | None = None
    ) -> RateLimited | HourlyClicksError | None:
        """Return what the status of a response means."""
        return judge(response, now, key=key)

    def decode(
        self,
        question: Question,
        response: Response,
        *,
        fetched_at: dt.datetime,
        is_final: Callable[[dt.date, dt.datetime], bool],
        key: ApiKey | None = None,
    ) -> tuple[DayClicks]:
        """Return the one day."""
        day = question.first
        final = is_final(day, fetched_at)
        try:
            return (decode_day(day, response, fetched_at=fetched_at, final=final, key=key),)
        except HourlyClicksError as error:
            error.about(day, question.target)
            raise


CLICKS_BY_HOUR: Final = ClicksByHour()
