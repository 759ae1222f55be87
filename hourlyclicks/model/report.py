"""What came of a backfill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum

import attrs

from hourlyclicks.errors import ApiError, HourlyClicksError
from hourlyclicks.model.targets import Query, Target


class StopReason(StrEnum):
    """Why a backfill came to its end."""

    COMPLETE = "complete"
    """There is nothing left to ask for."""
    DEADLINE = "deadline"
    """The time is up."""
    MAX_REQUESTS = "max_requests"
    """As many requests were sent as it was allowed."""
    STOPPED = "stopped"
    """It was asked to stop."""
    RATE_LIMITED = "rate_limited"
    """The server refuses for longer than is worth waiting."""
    TROUBLE = "trouble"
    """Too much failed, again and again."""
    ERROR = "error"
    """An error that no day can survive; the report is in that error."""


@attrs.frozen(kw_only=True)
class BackfillReport:
    """What came of a backfill. All counts are days, but for `requests` and `retries`.

    ``total == done + reused + failed + refused + remaining``.

    Args:
        total: days of all targets.
        done: fetched by this run.
        reused: in the store already, or fetched by another process meanwhile.
        failed: given up by this run, those of parked targets included; the next one asks for them again.
        refused: those that the API rejected between days that it answered, now or before; they are not
            asked for again.
        remaining: not asked for any more, since the run had ended.
        revised: those of `done` whose figures differ from what the store held before.
        provisional: those whose figures can still change.
        requests: requests this run sent, whatever came of them.
        retries: those of them that repeated one that had failed.
        seconds: how long it took.
        stopped: why it ended.
        resume_at: the earliest moment, aware, at which another run finds something to do and may do it;
            ``None`` when all is known for good.
        failures: why days failed or were rejected in this run; of many the first 1,000, while the store
            has them all.
        parked: the targets of which the API, or a gateway, rejected every day that was asked last with the
            same answer, a link that does not exist for instance, and that answer; without those that were
            answered again before the run ended.
        error: what ended the run, when an error did.
    """

    total: int
    done: int
    reused: int
    failed: int
    refused: int
    remaining: int
    revised: int
    provisional: int
    requests: int
    retries: int
    seconds: float
    stopped: StopReason
    resume_at: dt.datetime | None
    failures: Mapping[Query, HourlyClicksError] = attrs.field(factory=dict, repr=False)
    parked: Mapping[Target, ApiError] = attrs.field(factory=dict, repr=False)
    error: HourlyClicksError | None = None

    @property
    def complete(self) -> bool:
        """Whether every day is in the store, but for those the API rejects; some may be provisional."""
        return not self.failed and not self.remaining
