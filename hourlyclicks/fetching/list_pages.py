"""One page of a list, from the first request to what is on it.

Slots, pauses, retries and doubts about the key are as for any request, see `hourlyclicks.fetching.exchange`.
Errors and events name the page, since it is about no day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import attrs

from hourlyclicks import events
from hourlyclicks.events.context import NO_CALL
from hourlyclicks.fetching.exchange import Exchange
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.listing import Page
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.pacing.queue import Job
from hourlyclicks.wire.lists import ListEndpoint

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import ListName
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.fetching.fetcher import DayFetcher
    from hourlyclicks.fetching.rules import Rules
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.model.questions import Question
    from hourlyclicks.model.targets import Target
    from hourlyclicks.wire.endpoints import IsFinal
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin
    from hourlyclicks.wire.status import RateLimited

Entry = TypeVar("Entry")

SHORTEST_PERIOD = 28
"""Days; a period of creation that is no longer is rejected for another reason than its length."""


@attrs.define
class PageEndpoint(Generic[Entry]):
    """A page as an `Endpoint` of no days, which an exchange can ask for.

    Args:
        endpoint: the list.
        number: the number of the page, from 1.
        created: the days on which its entries were created; ``None``: any.

    Attributes:
        page: what is on it, once it was answered.
    """

    endpoint: ListEndpoint[Entry]
    number: int
    created: DateRange | None
    page: Page[Entry] = attrs.field(init=False)

    @property
    def name(self) -> str:
        """The name of the list."""
        return self.endpoint.name

    def split(self, _days: DateRange, _target: Target) -> Iterator[Question]:
        """Return no question: a page is about no days."""
        return iter(())

    def build(self, _question: Question, origin: Origin) -> Request:
        """Return the request for the page."""
        return self.endpoint.build(self.number, origin, created=self.created)

    def judge(
        self, response: Response, now: dt.datetime, *, key: ApiKey | None = None
    ) -> RateLimited | HourlyClicksError | None:
        """See `Endpoint.judge`."""
        return self.endpoint.judge(response, now, key=key)

    def decode(
        self,
        _question: Question,
        response: Response,
        *,
        fetched_at: dt.datetime,  # noqa: ARG002 - an entry is as old as its page
        is_final: IsFinal,  # noqa: ARG002 - likewise
        key: ApiKey | None = None,
    ) -> tuple[()]:
        """Read the page, which has no days."""
        self.page = self.endpoint.decode(self.number, response, key=key)
        return ()


class PageExchange(Exchange):
    """The requests for one page, and their responses.

    Args:
        rules: what all exchanges share.
        task: its task.
        name: the list, in events.
        endpoint: the page.
    """

    __slots__ = ("_created", "_list", "_number")

    unit: ClassVar = "page"
    about_days: ClassVar = False

    def __init__(self, rules: Rules, task: FetchTask, name: ListName, endpoint: PageEndpoint[Entry]) -> None:
        super().__init__(rules, task)
        self.endpoint = endpoint
        self._list = name
        self._number = endpoint.number
        self._created = endpoint.created

    @property
    def _bare(self) -> bool:
        """See `Exchange`; a period of creation can be too long."""
        return self._created is None or len(self._created) <= SHORTEST_PERIOD

    def _name(self, error: HourlyClicksError) -> HourlyClicksError:
        return error

    def _report_limit(self, status: int) -> None:
        """Report nothing: the pause that follows is reported, and lists send one request at a time."""

    def _report_attempt(self, attempt: int, wait: float, error: HourlyClicksError) -> None:
        tags = self._task.caller.context.tags
        failed = events.PageAttemptFailed(
            name=self._list, page=self._number, attempt=attempt, wait=wait, error=error, **tags
        )
        self._rules.dispatch(failed)


async def fetch_page(
    fetcher: DayFetcher,
    name: ListName,
    endpoint: ListEndpoint[Entry],
    number: int,
    *,
    created: DateRange | None = None,
    context: CallContext = NO_CALL,
) -> Page[Entry]:
    """Fetch one page of a list.

    Args:
        fetcher: sends the requests.
        name: the list, in events.
        endpoint: the list.
        number: the number of the page, from 1.
        created: the days on which its entries were created; ``None``: any.
        context: the call, as its events name it.

    Raises:
        HourlyClicksError: it failed.
    """
    rules = fetcher.rules
    page = PageEndpoint(endpoint, number, created)
    # The task of a request has a day, which bounds the age of an answer; a page is as new as today.
    query = Query(rules.clock.wall().date(), Account())
    task = FetchTask(Caller(Job(Lane.INTERACTIVE), context=context), query, claims=False)
    await fetcher.ask(task, PageExchange(rules, task, name, page))
    return page.page
