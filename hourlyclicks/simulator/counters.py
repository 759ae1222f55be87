"""What a simulator counts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import NamedTuple

import attrs

from hourlyclicks.model.targets import Target


class Answered(NamedTuple):
    """Requests that are counted together.

    Args:
        key: the API key, or nothing if the simulator does not know it.
        endpoint: the name of the endpoint, such as ``"clicks-by-hour/v3"``, or nothing for an unknown path.
        status: the HTTP status of the answer; 0 if it was not HTTP.
    """

    key: str
    endpoint: str
    status: int


@attrs.define
class Counters:
    """The counters of a simulator.

    Attributes:
        requests: all requests.
        statuses: the answers by HTTP status, without those that were not HTTP.
        answered: the requests by key, endpoint and status; `count` adds them up.
        over_limit: requests rejected because of the rate (429).
        over_concurrency: requests rejected because too many were in service (429).
        in_service: requests in service now.
        max_concurrent: the maximum of requests in service.
        faults: the faults that occurred, by the name of their type.
        asked: how often the hours of each day of each target were requested, rejected requests included. A
            request for a range counts for each of its days.
    """

    requests: int = 0
    statuses: Counter[int] = attrs.field(factory=Counter)
    over_limit: int = 0
    over_concurrency: int = 0
    in_service: int = 0
    max_concurrent: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    asked: Counter[tuple[Target, dt.date]] = attrs.field(factory=Counter)
    answered: Counter[Answered] = attrs.field(factory=Counter, repr=False)  # it has the keys

    def count(self, *, endpoint: str | None = None, key: str | None = None, status: int | None = None) -> int:
        """Return the number of requests that have all of these; ``None`` matches any."""
        wanted = (key, endpoint, status)
        return sum(
            number
            for answered, number in list(
                self.answered.items()
            )  # a copy: the server may run in another thread
            if all(value in (None, own) for value, own in zip(wanted, answered, strict=True))
        )
