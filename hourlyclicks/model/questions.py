"""What one request asks: a range of days of one target, put to one endpoint of the API.

A `Query` is one day of one target, whichever endpoint answers it; events, errors and reports name days so. A
question of one day and a query lead to each other.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - so that the annotations of a question can be resolved at run time
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Query, Target  # noqa: TC001 - see above

if TYPE_CHECKING:
    from collections.abc import Iterable


EndpointChoice: TypeAlias = Literal["v2", "v3", "auto"]
"""Which version of the endpoint to ask. ``"v2"`` has one day a request, ``"v3"`` ranges of days, and with
``"auto"`` ranges are asked for where they work."""


def check_endpoint(endpoint: object) -> None:
    """Raise `UsageError` unless an argument is an `EndpointChoice`."""
    if endpoint not in get_args(EndpointChoice):
        raise UsageError(f"endpoint is 'v2', 'v3' or 'auto', not {endpoint!r}")


class Question(NamedTuple):
    """What one request asks. A plain tuple, since one is made for every day; its days are not checked.

    Args:
        first: the first day.
        last: the last day, included.
        target: the target.
        endpoint: the name of the endpoint, as the store has it.
    """

    first: dt.date
    last: dt.date
    target: Target
    endpoint: str

    @classmethod
    def of(cls, query: Query, endpoint: str) -> Question:
        """Return the question that asks an endpoint for one day."""
        day, target = query
        return tuple.__new__(cls, (day, day, target, endpoint))  # its constructor costs four times as much

    @property
    def days(self) -> DateRange:
        """The days, in order."""
        return DateRange(self.first, self.last)

    @property
    def query(self) -> Query:
        """The one day that is asked for.

        Raises:
            UsageError: there are several.
        """
        if self.first != self.last:
            raise UsageError(f"the question is about several days, {self.days}")
        return Query(self.first, self.target)

    def queries(self) -> list[Query]:
        """Return each of the days, in order."""
        return [Query(day, self.target) for day in self.days]

    def missing(self, answered: Iterable[dt.date]) -> list[dt.date]:
        """Return the days that are asked for and not among those that were answered, in order."""
        known = set(answered)
        return [day for day in self.days if day not in known]
