"""The life of a task for a range of days: as that of one day, but for what rejections and answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.errors import DecodeError
from hourlyclicks.fetching.exchange import Exchange
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.limiter import SUCCEEDED
from hourlyclicks.wire.age import dated
from hourlyclicks.wire.range_endpoint import is_missing, is_refusal

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.exchange import PauseAll
    from hourlyclicks.model.http import Response
    from hourlyclicks.pacing.limiter import Outcome
    from hourlyclicks.pacing.window import Slot


class RangeExchange(Exchange):
    """The requests for several days; a rejection that may be about the range is not reported.

    Args:
        rules: what all exchanges share.
        task: the task that it serves.
        question: what is asked for.

    Attributes:
        as_of: how old the figures are, also where there are none.
    """

    __slots__ = ("as_of",)

    as_of: dt.datetime

    @property
    def slot(self) -> Slot:
        """The slot of the last request."""
        return self._slot

    def answered(self, response: Response) -> Outcome | PauseAll:
        """Evaluate a response, and report each day that has rows to the circuit breakers."""
        verdict = super().answered(response)
        if verdict is SUCCEEDED:
            self.as_of, _ = dated(response, self.asked, self.question.first)
            breakers = self._task.caller.breakers
            if breakers is not None:
                for day in self.days:
                    breakers.answered(Query(day.date, self.question.target), self._slot.sent)
        return verdict

    def next(self) -> float | None:
        """Return the seconds until the next request; none follows if the server lacks the endpoint."""
        if self._error is not None and is_missing(self._error):
            raise self._error
        return super().next()

    def _report_rejection(self, error: HourlyClicksError) -> None:
        """Report a rejection as that of the first day, unless it may be about the range.

        A range may be too long, or only one of its days is rejected; then shorter ranges and single days
        tell. Any other answer of a gateway would be the same for a single day.
        """
        if not is_about_range(error):
            super()._report_rejection(error)


def is_about_range(error: HourlyClicksError) -> bool:
    """Return whether an error may be about a range, so that fewer days, or version 2, may be answered."""
    return isinstance(error, DecodeError) or is_refusal(error) or is_missing(error)
