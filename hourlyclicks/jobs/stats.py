"""The statistics of a backfill: its days so far, counted by outcome."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from hourlyclicks.model.report import BackfillReport

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.model.report import StopReason
    from hourlyclicks.model.targets import Query, Target

_MOST_FAILURES = 1000
_NONE: Mapping[Target, HourlyClicksError] = MappingProxyType({})


class BackfillStats:
    """Count days, each once.

    Args:
        total: how many there are.
        caller: the call, which counts requests.

    Attributes:
        known: in the store before this run came to them.
        got: fetched since, by this run or by another call or process.
        failed: not fetched, and not finally rejected.
        refused: with a final rejection.
        provisional: those of `known` and `got` that are not final.
        next_due: when the first of these is due again.
        failures: the errors of days that failed or were rejected, up to a limit.
        unsurveyed: the targets whose days are not counted.
    """

    def __init__(self, total: int, caller: Caller) -> None:
        self.total = total
        self._caller = caller
        self.known = self.got = self.failed = self.refused = self.provisional = 0
        self.unsurveyed = 0
        self.next_due: dt.datetime | None = None
        self.failures: dict[Query, HourlyClicksError] = {}

    @property
    def remaining(self) -> int:
        """The days that the run has not reached yet."""
        return self.total - self.known - self.got - self.failed - self.refused

    def add_provisional(self, due: dt.datetime) -> None:
        """Count a day that has figures and will be due again."""
        self.provisional += 1
        self.next_due = due if self.next_due is None else min(self.next_due, due)

    def add_failure(self, query: Query, error: HourlyClicksError, *, refused: bool) -> None:
        """Count a day without figures."""
        self.refused += refused
        self.failed += not refused
        if len(self.failures) < _MOST_FAILURES:
            self.failures[query] = error

    def make_final(self) -> None:
        """Count the rejection of a failed day as final."""
        self.failed -= 1
        self.refused += 1

    def remove_failure(self, query: Query) -> None:
        """Count a failed day as not failed: it was answered, or will be requested again."""
        self.failed -= 1
        self.failures.pop(query, None)

    def report(
        self,
        *,
        seconds: float,
        stopped: StopReason,
        error: HourlyClicksError | None,
        again_at: dt.datetime,
        parked: Mapping[Target, HourlyClicksError] = _NONE,
        unsent: int = 0,
    ) -> BackfillReport:
        """Return the report of a run that is over.

        Args:
            seconds: how long it took.
            stopped: why it ended.
            error: what ended it.
            again_at: when another run could send a request.
            parked: the targets that are parked, and why.
            unsent: how many of their days were not sent; they have failed, too.
        """
        caller, unfinished = self._caller, self.remaining or self.failed or self.unsurveyed
        done = min(
            caller.answered, self.got
        )  # a day that was answered for this run may have come after its end
        return BackfillReport(
            total=self.total,
            done=done,
            reused=self.known + self.got - done,
            failed=self.failed + unsent,
            refused=self.refused,
            remaining=self.remaining - unsent,
            revised=caller.revised,
            provisional=self.provisional,
            requests=caller.job.spent,
            retries=caller.retries,
            rate_limited=caller.rate_limited,
            seconds=seconds,
            stopped=stopped,
            resume_at=again_at if unfinished else self.next_due,
            failures=self.failures,
            parked=parked,
            error=error,
            unsurveyed=self.unsurveyed,
        )
