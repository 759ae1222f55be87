"""The result of a backfill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.targets import Query, Target


class StopReason(StrEnum):
    """Why a backfill ended."""

    COMPLETE = "complete"
    """Every requested day is in the store, has failed or is rejected."""
    DEADLINE = "deadline"
    """The deadline has passed."""
    MAX_REQUESTS = "max_requests"
    """The number of requests that was allowed has been sent."""
    STOPPED = "stopped"
    """The stop event was set, or another process has asked the backfill to stop."""
    RATE_LIMITED = "rate_limited"
    """The server answers 429 for longer than the client waits."""
    TROUBLE = "trouble"
    """The circuit breaker stayed open after repeated failures."""
    ERROR = "error"
    """An error that every other day would meet as well; the report is in that error."""


@attrs.frozen(kw_only=True)
class BackfillReport:
    """The result of a backfill. Counts are of days, unless something else is named.

    ``total == done + reused + failed + refused + remaining``.

    Args:
        total: days of all targets.
        done: fetched by this run.
        reused: in the store already, or fetched by another process in the meantime.
        failed: failed in this run, those of parked targets included; the next run requests them again.
        refused: those that the API rejected while it answered the days around them, now or before; they are
            not requested again.
        remaining: not requested, because the run ended before.
        revised: those of `done` whose figures differ from those in the store.
        provisional: those whose figures can still change.
        requests: requests this run sent, whatever their outcome.
        retries: those of them that repeated a failed one.
        rate_limited: those of them that the server rejected because of the rate limit, with HTTP 429, or 503
            with ``Retry-After``. Each of them begins a pause or falls into one, and no day loses an attempt.
        seconds: how long the run took.
        stopped: why it ended.
        resume_at: the earliest moment, aware, at which another run has a day to request and may send it;
            ``None`` when every day is final or rejected.
        failures: why days failed or were rejected in this run; at most the first 1,000, while the store
            has all of them.
        parked: the targets of which the API, or a gateway, rejected the last requested days with the same
            answer, or gave answers that no retry makes usable, and why; for example a link that does not
            exist. Targets that were answered again before the run ended are not included.
        error: what ended the run, when an error did.
        listed: whether all targets were known; not so if the run ended while it read them from an async
            iterable, and then the counts are those of the targets that it had reached.
        unsurveyed: the targets of a `sync` whose days are in none of the counts, because the run ended before
            it had found their first gaps.
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
    rate_limited: int = 0
    seconds: float
    stopped: StopReason
    resume_at: dt.datetime | None
    failures: Mapping[Query, HourlyClicksError] = attrs.field(factory=dict, repr=False)
    parked: Mapping[Target, HourlyClicksError] = attrs.field(factory=dict, repr=False)
    error: HourlyClicksError | None = None
    listed: bool = True
    unsurveyed: int = 0

    @property
    def complete(self) -> bool:
        """Whether every day is in the store, except those the API rejects; some may be provisional."""
        return self.listed and not self.unsurveyed and not self.failed and not self.remaining

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the counts as a table."""
        from hourlyclicks.model.notebook import backfill_html  # noqa: PLC0415 - for notebooks only

        return backfill_html(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON can hold, for logs and monitoring.

        Returns:
            A key for each attribute, and ``complete``. A moment is a text in ISO 8601, in UTC. `failures` and
            `parked` are lists of objects with ``target`` (as ``str(target)`` writes it), ``day`` (of
            failures), ``error`` (the class), ``message``, ``code`` and ``status``; ``error`` is such an
            object without a target, or ``None``.
        """
        values = {field.name: getattr(self, field.name) for field in attrs.fields(BackfillReport)}
        values |= {
            "stopped": self.stopped.value,
            "complete": self.complete,
            "resume_at": None if self.resume_at is None else self.resume_at.astimezone(dt.UTC).isoformat(),
            "failures": [
                {"target": str(query.target), "day": str(query.day), **error_as_dict(error)}
                for query, error in self.failures.items()
            ],
            "parked": [
                {"target": str(target), **error_as_dict(error)} for target, error in self.parked.items()
            ],
            "error": None if self.error is None else error_as_dict(self.error),
        }
        return values


def error_as_dict(error: HourlyClicksError) -> dict[str, Any]:
    """Return an error as values that JSON can hold."""
    return {
        "error": type(error).__name__,
        "message": str(error),
        "code": getattr(error, "code", None),
        "status": getattr(error, "status", None),
    }
