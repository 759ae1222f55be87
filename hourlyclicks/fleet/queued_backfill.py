"""What a job of a queue does: the backfill of one account, whose failure is an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fleet.cancellation import stopping_when_cancelled
from hourlyclicks.fleet.common_resources import CommonResources
from hourlyclicks.fleet.job_values import from_values
from hourlyclicks.fleet.run import run_jobs
from hourlyclicks.fleet.task_options import check_options
from hourlyclicks.model.fleet_report import AccountState
from hourlyclicks.pacing.plans import as_rate
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.fleet.keys import KeyRef
    from hourlyclicks.fleet.task_options import TaskOptions
    from hourlyclicks.model.fleet_report import AccountReport
    from hourlyclicks.pacing.plans import Rate


class QueuedBackfill:
    """Do the jobs of one process, which share a store and its connections.

    Args:
        store: a reference to the store.
        rate: how many requests all jobs together may send in a stretch of time.
        options: the options of `run_jobs` that are plain values.

    Raises:
        UsageError: an argument is invalid.
    """

    def __init__(self, store: KeyRef, rate: Rate | str | None, options: TaskOptions) -> None:
        check_options(options)
        self._common = CommonResources(
            store,
            rate=None if rate is None else as_rate(rate),
            proxy=options.pop("proxy", None),
            timeout=options.get("timeout", Timeout()),
        )
        self._options = options

    async def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Do a job, and return what the log of the queue shows of it.

        Args:
            values: the job, as `hourlyclicks.fleet.job_values.as_values` writes it.

        Raises:
            HourlyClicksError: the account is not complete; the error has its report.
            asyncio.CancelledError: the call was cancelled; the answers to requests in flight were kept.
        """
        job, stop = from_values(values), asyncio.Event()
        async with self._common.used() as used:
            work = run_jobs([job], store=used.store, transport=used.transport, stop=stop, **self._options)
            report = await stopping_when_cancelled(work, stop)
        return _result(report.accounts[0])


def _result(found: AccountReport) -> dict[str, Any]:
    if found.state is not AccountState.COMPLETE:
        error = found.error or HourlyClicksError(str(found))
        error.report = found.report
        raise error
    report = found.report
    return {"account": found.name, "days": 0 if report is None else report.total}
