"""Use the endpoint of one day through all functions of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.questions import Question
from hourlyclicks.wire.endpoints import CLICKS_BY_HOUR
from hourlyclicks.wire.status import status_error

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.targets import Query
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin


def build_request(query: Query, origin: Origin) -> Request:
    """Return the request for one day."""
    return CLICKS_BY_HOUR.build(Question.of(query, CLICKS_BY_HOUR.name), origin)


def check_status(response: Response, *, key: ApiKey | None = None) -> None:
    """Raise the error of a status."""
    error = status_error(response, key=key)
    if error is not None:
        raise error


def decode_day(
    query: Query, response: Response, *, fetched_at: dt.datetime, final: bool, key: ApiKey | None = None
) -> DayClicks:
    """Return the one day in a response."""
    question = Question.of(query, CLICKS_BY_HOUR.name)
    (day,) = CLICKS_BY_HOUR.decode(
        question, response, fetched_at=fetched_at, is_final=lambda *_: final, key=key
    )
    return day
