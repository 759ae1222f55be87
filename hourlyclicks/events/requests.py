"""Events about requests: what came of each, and which are repeated."""

from __future__ import annotations

import datetime as dt
import logging
from typing import ClassVar

import attrs

from hourlyclicks.errors import ApiError, HourlyClicksError
from hourlyclicks.events.base import BaseEvent
from hourlyclicks.events.wording import ListName, short_duration
from hourlyclicks.model.quantities import count
from hourlyclicks.model.targets import Target


@attrs.frozen(kw_only=True, slots=False)
class RequestDone(BaseEvent):
    """A request has ended: it was answered, it failed, or it was given up.

    There is one for each request that may have reached the server, whatever came of it. There is none where
    no connection was made; that is reported by `AttemptFailed`.

    A day that several calls need is requested once, in one of them.

    Args:
        target: the target asked for; ``None``: a list.
        day: the first day asked for; ``None``: a list.
        days: how many days it asked for; 0: a page of a list.
        endpoint: the endpoint and its version, such as ``"clicks-by-hour/v2"``.
        status: the HTTP status; ``None``: there was no complete answer.
        seconds: from sending the request to its end.
        waited: seconds from the moment when it was to be sent until it had a slot.
        attempt: which request for the same days it was, from 1, those answered with 429 included.
        bytes: the size of the body, after decompression.
        error: why there was no complete answer; ``None``: there was one, or the call was cancelled.
    """

    target: Target | None
    day: dt.date | None
    days: int
    endpoint: str
    status: int | None
    seconds: float
    waited: float
    attempt: int
    bytes: int
    error: HourlyClicksError | None = None

    @property
    def message(self) -> str:
        """What has happened, in words."""
        if self.day is None:
            what = "a page of a list"
        elif self.days == 1:
            what = f"{self.day} of {self.target}"
        else:
            what = f"{count(self.days, 'day')} of {self.target} from {self.day} on"
        if self.status is not None:
            end = f"HTTP {self.status}, {count(self.bytes, 'byte')}"
        else:
            end = "given up" if self.error is None else str(self.error)
        return f"request {self.attempt} for {what}: {end} after {short_duration(self.seconds)}"


@attrs.frozen(kw_only=True, slots=False)
class Refused(BaseEvent):
    """The server rejected a request because of the rate limit (HTTP 429, or 503 with ``Retry-After``).

    Args:
        day: the day; it will be requested again and has lost no attempt.
        target: the target asked for.
        status: the HTTP status.
    """

    level: ClassVar[int] = logging.WARNING

    day: dt.date
    target: Target
    status: int

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"the server rate-limits requests: HTTP {self.status} for {self.day} of {self.target}"


@attrs.frozen(kw_only=True, slots=False)
class AttemptFailed(BaseEvent):
    """An attempt failed and will be repeated.

    Args:
        day: the day asked for.
        target: the target asked for.
        attempt: which attempt of this day it was, from 1.
        wait: seconds until the next attempt.
        error: why it failed.
    """

    level: ClassVar[int] = logging.INFO

    day: dt.date
    target: Target
    attempt: int
    wait: float
    error: HourlyClicksError

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return (
            f"attempt {self.attempt} for {self.day} of {self.target} failed,"
            f" the next one follows after {short_duration(self.wait)}: {self.error}"
        )


@attrs.frozen(kw_only=True, slots=False)
class RangeDone(BaseEvent):
    """Requests for the sums of a range of days have come to an end.

    Args:
        start: the first day.
        end: the last day, included.
        target: the target.
        days: how many days they have fetched; days that are asked for a second time do not count.
        requests: how many were sent.
        error: why they failed; ``None``: the last one was answered. A range that is refused is asked for
            again in shorter ones.
    """

    start: dt.date
    end: dt.date
    target: Target
    days: int
    requests: int
    error: HourlyClicksError | None = None

    @property
    def level(self) -> int:  # type: ignore[override]  # it depends on the error
        """The level at which it is logged. A refused range of several days is asked for again."""
        if self.error is None:
            return logging.DEBUG
        again = isinstance(self.error, ApiError) and self.start < self.end
        return logging.INFO if again else logging.WARNING

    @property
    def message(self) -> str:
        """What has happened, in words."""
        range_, requests = f"{self.start}..{self.end} of {self.target}", count(self.requests, "request")
        if self.error is None:
            return f"the sums of {range_} were answered after {requests}"
        return f"the sums of {range_} were not answered, after {requests}: {self.error}"


@attrs.frozen(kw_only=True, slots=False)
class PageRead(BaseEvent):
    """A page of a list was read.

    Args:
        name: the list, ``"links"`` or ``"groups"``.
        page: the number of the page, from 1; the first page is read once more after the last one.
        entries: how many entries are on it.
        total: how many entries the list has by now, as the server says; ``None``: it does not say.
        reading: how often the list was begun, from 1; it is read again if it changed meanwhile.
    """

    name: ListName
    page: int
    entries: int
    total: int | None
    reading: int

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"page {self.page} of the {self.name} has {count(self.entries, 'entry')}"


@attrs.frozen(kw_only=True, slots=False)
class PageAttemptFailed(BaseEvent):
    """A request for a page of a list failed and will be repeated.

    Args:
        name: the list, ``"links"`` or ``"groups"``.
        page: the number of the page.
        attempt: which attempt it was, from 1.
        wait: seconds until the next attempt.
        error: why it failed.
    """

    level: ClassVar[int] = logging.INFO

    name: ListName
    page: int
    attempt: int
    wait: float
    error: HourlyClicksError

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return (
            f"attempt {self.attempt} for page {self.page} of the {self.name} failed,"
            f" the next one follows after {short_duration(self.wait)}: {self.error}"
        )
