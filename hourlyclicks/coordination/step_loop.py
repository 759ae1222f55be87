"""The loop that takes the steps of one process, one at a time, as long as there is something to do.

What happens while a step is under way is taken together in the next one. A task that takes steps can be
cancelled by a program that cancels everything; the next one goes on with what it has handed back.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError, LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.coordination.arbiter import Arbiter
    from hourlyclicks.coordination.polling import Polling
    from hourlyclicks.coordination.steps import ArbiterSteps
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.queue import Task

_log = logging.getLogger("hourlyclicks")

_RESUME_AFTER = 0.25
"""Seconds after which the steps of a cancelled task go on. `asyncio.run` cancels all tasks at its end, too;
by then it has closed the event loop, even on a busy machine."""


class StepLoop:
    """Report and request in steps of the arbiter.

    Args:
        steps: takes each of them.
        polling: when a task may ask for a slot; what is reported may free one.
        request: takes the step that requests a slot for a task.

    Attributes:
        asking: whether a task asks for a slot, and has no answer yet; `request` clears it.
        lost_reports: whether something could not be reported.
    """

    def __init__(
        self, steps: ArbiterSteps, polling: Polling, request: Callable[[Task], Awaitable[None]]
    ) -> None:
        self.asking = self.lost_reports = False
        self._steps = steps
        self._polling = polling
        self._request = request
        self._wanted: Task | None = None
        self._waiting: WaitingTasks
        self._stepping = False
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, waiting: WaitingTasks) -> None:
        """Set the tasks that are served after each step."""
        self._waiting = waiting

    def ask(self, task: Task) -> None:
        """Request a slot for a task with the next step."""
        self.asking = True
        self._wanted = task
        self._take_steps()

    def report(self, what: Callable[[Arbiter], object]) -> None:
        """Report something with the next step, which also asks for a slot if that may be free now."""
        self._polling.reported()
        self._steps.reports.append(what)
        self._take_steps()

    def resume(self) -> None:
        """Take the steps that are needed, if there is something left to report."""
        if self._steps.reports:
            self._take_steps()

    def look(self) -> None:
        """Read the state, beside the steps."""
        task = asyncio.get_running_loop().create_task(self.read_state())
        self._tasks.add(task)
        task.add_done_callback(self._end_look)

    async def read_state(self, *, silent: bool = False) -> None:
        """Read the state, without a transaction if that is enough; see `ArbiterSteps.take`."""
        with suppress(HourlyClicksError):  # a step that matters will tell
            await self._steps.take(lambda *_: None, peek=True, silent=silent)

    async def report_only(self, *, peek: bool = False) -> bool:
        """Take a step that requests nothing; return whether the store took it."""
        try:
            await self._steps.take(lambda *_: None, peek=peek)
        except LeaseLostError:  # the client has ended
            self._steps.reports.clear()
            return False
        except Exception as error:  # noqa: BLE001 - no task waits for it, and the steps must go on
            if self._steps.reports:
                self.lost_reports = True
                self._steps.reports.clear()
                _log.warning("the shared rate limit could not be updated: %s; its leases will expire", error)
            return False
        return True

    async def close(self) -> None:
        """Report what is left, and wait until all steps and looks are taken."""
        await self._end_tasks()  # a step under way may report everything
        if self._steps.settled or self._steps.reports:
            self.report(lambda _: None)
            await self._end_tasks()

    # -- inside -----------------------------------------------------------------------------------------

    async def _end_tasks(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _take_steps(self) -> None:
        if not self._stepping:
            self._stepping = True
            task = asyncio.get_running_loop().create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._end_steps)

    async def _run(self) -> None:
        while self._steps.reports or self._wanted is not None:
            task, self._wanted = self._wanted, None
            await (self.report_only() if task is None else self._request(task))
            self._waiting.serve()

    def _end_steps(self, task: asyncio.Task[None]) -> None:
        """Go on after a task that took steps, also if it was cancelled, even before it began."""
        self._tasks.discard(task)
        self._stepping = False
        if task.cancelled():  # as when a program cancels all tasks, and goes on; or its event loop ends
            self.asking, self._wanted = False, None
            asyncio.get_running_loop().call_later(_RESUME_AFTER, self._go_on)
        elif self._steps.reports or self._wanted is not None:
            self._take_steps()

    def _end_look(self, task: asyncio.Task[None]) -> None:
        """Let a step follow that reports what a look has handed back."""
        self._tasks.discard(task)
        if self._steps.reports and not self._stepping:
            asyncio.get_running_loop().call_later(_RESUME_AFTER, self._go_on)

    def _go_on(self) -> None:
        self._waiting.serve()
        self.resume()
