"""The tracker of a job: while it runs, it counts among those of the client, and its progress is reported."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from hourlyclicks import events
from hourlyclicks.jobs.registered_call import REGISTERED_AFTER, RegisteredCall

if TYPE_CHECKING:
    from types import TracebackType

    from hourlyclicks.events.context import CallContext
    from hourlyclicks.jobs.services import Services, Stoppable
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.pacing.queue import Job


class Tracker:
    """Register a running job, and report its progress.

    While its context is entered, the job counts in the ETA of the others, and closing the client ends it.

    Args:
        services: the parts of the client.
        job: the job as the limiter sees it.
        run: the job as the client sees it.
        context: the call, as its events name it.
        feed: what reads the targets of the job, if they are not known from the beginning.
    """

    def __init__(
        self,
        services: Services,
        job: Job,
        run: Stoppable,
        context: CallContext,
        *,
        feed: TargetFeed | None = None,
    ) -> None:
        self._services = services
        self._eta = services.limiter.eta
        self._dispatch = services.dispatch
        self._job = job
        self._run = run
        self._context = context
        self._feed = feed
        self._visible = ExitStack()
        self._ended = False

    def show(self) -> None:
        """Let other processes see and stop the job, with a store, until the context is left."""
        runs = self._services.runs
        if runs is not None:
            call = RegisteredCall(self._services.limiter, self._job, self._run.on_stop)
            self._visible.enter_context(runs.registered(call, after=REGISTERED_AFTER))

    def __enter__(self) -> Self:
        self._services.running.add(self._run)
        self._eta.enter(self._job)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended = True
        self._visible.close()
        self._eta.leave(self._job)
        self._services.running.discard(self._run)

    def report(self, *, done: int, failed: int, total: int) -> None:
        """Report the progress of the job, if there is a hook; requests that outlive it make none."""
        if self._dispatch and not self._ended:
            compute, listed = self._eta.deferred(self._job), self._feed is None or self._feed.exhausted
            progress = events.Progress.deferred(
                done=done, failed=failed, total=total, compute=compute, of=self._context, listed=listed
            )
            self._dispatch(progress)
