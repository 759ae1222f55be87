"""A task for a range of days: one request that answers a task for each of its days."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.fetching.task import FetchTask
from hourlyclicks.model.targets import Query

if TYPE_CHECKING:
    import asyncio
    import datetime as dt
    from collections.abc import Collection, Sequence
    from typing import Any

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.exchange import Exchange
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.questions import Question
    from hourlyclicks.pacing.window import Slot

    Outcomes: TypeAlias = dict[dt.date, DayClicks | HourlyClicksError]
    """What became of each day: its figures, or why it failed."""


class RangeMember(FetchTask):
    """The task for one day of a range, without a request of its own.

    Args:
        range_task: the range.
        query: the day.

    Attributes:
        requested: the range.
    """

    __slots__ = ("_requested",)

    def __init__(self, range_task: RangeTask, query: Query) -> None:
        super().__init__(range_task.caller, query, range_task.runner)
        self._requested = range_task

    @property
    def requested(self) -> FetchTask:
        """The task of the range."""
        return self._requested


class RangeTask(FetchTask):
    """The task for a range of days, and for the first of them that is needed.

    Args:
        caller: the call that it is fetched for.
        question: what to ask.
        days: the days of the question that are needed, in order.
        runner: the asyncio task it runs in.
        optional: those of the days that are asked for only because the others are.
        outcomes: where to note what became of each day.

    Attributes:
        question: what is asked; fewer days once other processes have fetched some.
        days: the days that are needed.
        optional: as above.
        outcomes: what became of the days so far, with those that the store had when the task got its slot;
            what the answer leaves open is not in it.
        exchange: its requests, once it has begun.
        keeps_slot: whether it keeps its slot until its days are stored.
        kept_slot: the slot that it keeps.
    """

    __slots__ = (
        "_members",
        "days",
        "exchange",
        "keeps_slot",
        "kept_slot",
        "optional",
        "outcomes",
        "question",
    )

    exchange: Exchange
    kept_slot: Slot | None

    def __init__(
        self,
        caller: Caller,
        question: Question,
        days: Sequence[dt.date],
        runner: asyncio.Task[object] | None = None,
        *,
        optional: Collection[dt.date] = (),
        outcomes: Outcomes,
    ) -> None:
        first, *others = [Query(day, question.target) for day in days]
        super().__init__(caller, first, runner)
        self.question = question
        self.days = tuple(days)
        self.optional = frozenset(optional)
        self.outcomes = outcomes
        self.keeps_slot = False
        self.kept_slot = None
        self._members = (self, *(RangeMember(self, query) for query in others))

    def leave_out(self, known: Outcomes) -> bool:
        """Leave out the needed days that the store has by now; return whether any is left."""
        self.outcomes |= {day: known[day] for day in self.days if day in known and day not in self.optional}
        due = [day for day in self.days if day not in self.outcomes]
        if self.outcomes:
            self.question = self.question._replace(first=due[0], last=due[-1]) if due else self.question
        return not self.optional.issuperset(due)

    @property
    def members(self) -> Sequence[FetchTask]:
        """The tasks of all days, the first of which is this one."""
        return self._members

    @property
    def claimed(self) -> Sequence[Query]:
        """All needed days."""
        return [member.query for member in self._members]

    @property
    def followed(self) -> bool:
        """Whether a caller follows any of its days."""
        return any(member.followers for member in self._members)

    def needs_request(self, entry: Any, now: dt.datetime) -> bool:  # noqa: ANN401 - as in `Task`
        """Return that a request is needed, since the entry of one day does not tell.

        Once the task has its slot, and with it the claims to all days, no other process fetches any of them.
        So what the store has of them is read then.
        """
        del entry, now
        return True
