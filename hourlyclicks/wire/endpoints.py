"""What an endpoint of the API is to the rest of the package, and which ones there are.

An endpoint turns a question into a request, and the response into figures:

* `split` cuts a range of days into questions, as long as one request can be;
* `build` makes the request of a question;
* `judge` tells what the status of a response means: the rate limit, an error, or a body to read;
* `decode` reads the body. Days of the question that are missing in it are not reported as empty: what they
  mean depends on the endpoint, and on what is known of the server.

Everything outside of `wire` knows endpoints by their names only, which also stand in the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from hourlyclicks.wire.clicks_by_hour import CLICKS_BY_HOUR

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.questions import Question
    from hourlyclicks.model.targets import Target
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin
    from hourlyclicks.wire.status import RateLimited

__all__ = ["CLICKS_BY_HOUR", "ENDPOINTS", "Endpoint"]

Day_co = TypeVar("Day_co", covariant=True)
IsFinal: TypeAlias = "Callable[[dt.date, dt.datetime], bool]"
"""Tells whether the figures of a day, as they were at a moment, can no longer change."""


class Endpoint(Protocol[Day_co]):
    """One endpoint of the API; ``Day_co`` is what it knows of a day."""

    @property
    def name(self) -> str:
        """The name in questions, and in the column ``endpoint`` of a store."""
        ...

    def split(self, days: DateRange, target: Target) -> Iterator[Question]:
        """Cut a range of days into questions that one request each can ask; lazily, the oldest first."""
        ...

    def build(self, question: Question, origin: Origin) -> Request:
        """Return the request that asks a question."""
        ...

    def judge(
        self, response: Response, now: dt.datetime, *, key: ApiKey | None = None
    ) -> RateLimited | HourlyClicksError | None:
        """Return what the status of a response means; ``None``: the body is to be decoded.

        Args:
            response: the response.
            now: the present moment, aware.
            key: the API key, so that it is kept out of the errors if the server repeats it.
        """
        ...

    def decode(
        self,
        question: Question,
        response: Response,
        *,
        fetched_at: dt.datetime,
        is_final: IsFinal,
        key: ApiKey | None = None,
    ) -> tuple[Day_co, ...]:
        """Return the days in the body of a response, in order; `Question.missing` names the others.

        Args:
            question: what was asked; an answer about another day is rejected.
            response: the response, which `judge` has nothing against.
            fetched_at: when it was asked for; aware.
            is_final: tells whether a day is final, given when it was asked for.
            key: the API key, so that it is kept out of the errors if the server repeats it.

        Raises:
            ApiError: the API rejects the question.
            DecodeError: the body cannot be read, is incomplete, or is about other days.
        """
        ...


_OF_RANGES = {"clicks-by-hour/v3": "clicks_by_range", "clicks-by-date/v2": "clicks_by_date"}
"""The modules of the endpoints of ranges."""


class _Endpoints(dict[str, Endpoint[Any]]):
    """Imports an endpoint of ranges when it is first looked up: most runs ask for single days only.

    Only the module of that endpoint, which a run has imported by then: it may come to it after hours, when
    nothing can be imported any more.
    """

    def __missing__(self, name: str) -> Endpoint[Any]:
        module = _OF_RANGES[name]
        found: Endpoint[Any] = getattr(import_module(f"hourlyclicks.wire.{module}"), module.upper())
        self[name] = found
        return found


ENDPOINTS: dict[str, Endpoint[Any]] = _Endpoints({CLICKS_BY_HOUR.name: CLICKS_BY_HOUR})
"""The endpoints, by their names."""
