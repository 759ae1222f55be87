"""The lists of links and of groups: a request for each page, and an answer into what is on it.

An entry that cannot be asked about (no id, a domain without its scheme) is an error of the whole page, since
a target that is left out without a word would be missing in every run. What only describes an entry is
optional: a moment of creation that cannot be read is not known.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import can_travel
from hourlyclicks.model.listing import ListedGroup, ListedLink, Page
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.wire.decode import decode_with
from hourlyclicks.wire.document import UnreadableError
from hourlyclicks.wire.envelope import result_of
from hourlyclicks.wire.names import (
    CREATED,
    CREATED_FROM,
    CREATED_TO,
    DOMAIN,
    ENTRIES,
    GROUP_LINKS,
    GROUP_NAME,
    GROUP_NUMBER,
    HAS_NEXT,
    HEAD,
    LINK_ID,
    NEXT_PAGE,
    PAGE,
    RESULT,
    TITLE,
    TOTAL,
)
from hourlyclicks.wire.request import build_request
from hourlyclicks.wire.rows import LARGEST, MAX_PROBLEMS, whole_number
from hourlyclicks.wire.status import judge

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin
    from hourlyclicks.wire.status import RateLimited

Entry_co = TypeVar("Entry_co", covariant=True)

_MIDNIGHT, _LAST_SECOND = "%2000%3A00%3A00", "%2023%3A59%3A59"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"


@attrs.frozen
class ListEndpoint(Generic[Entry_co]):
    """An endpoint that answers with a list, a page at a time.

    Args:
        name: its name.
        path: its path.
        read: makes an entry of an object, or raises a `ValueError` that says what is wrong with it.
    """

    name: str
    path: str
    read: Callable[[Mapping[str, Any]], Entry_co]

    def build(self, page: int, origin: Origin, *, created: DateRange | None = None) -> Request:
        """Return the request for a page.

        Args:
            page: the number of the page, from 1.
            origin: where the API is, and which client asks.
            created: the days on which the entries were created, on the account's clock, both included. The
                list of links requires it.
        """
        period = ""
        if created is not None:
            first, last = f"{created.start}{_MIDNIGHT}", f"{created.end}{_LAST_SECOND}"
            period = f"{CREATED_FROM}={first}&{CREATED_TO}={last}&"
        return build_request(origin, self.path, Account(), f"{period}{PAGE}={page}")

    def judge(
        self, response: Response, now: dt.datetime, *, key: ApiKey | None = None
    ) -> RateLimited | HourlyClicksError | None:
        """Return what the status of a response means; ``None``: the body is to be decoded."""
        return judge(response, now, key=key)

    def decode(self, page: int, response: Response, *, key: ApiKey | None = None) -> Page[Entry_co]:
        """Return the page in the body of a response.

        Args:
            page: the number of the page that was asked for.
            response: the response, which `judge` has nothing against.
            key: the API key, so that it is kept out of the errors if the server repeats it.

        Raises:
            ApiError: the API rejects the request.
            DecodeError: the body cannot be read.
        """
        return decode_with(lambda document: self._page(page, result_of(document)), response, key=key)

    def _page(self, page: int, result: object) -> Page[Entry_co]:
        if not isinstance(result, dict):
            raise UnreadableError(f"expected object @ {RESULT}", retryable=True)
        head, rows = result.get(HEAD), result.get(ENTRIES)
        if not isinstance(head, dict):
            raise UnreadableError(f"expected object @ {RESULT}.{HEAD}", retryable=True)
        if not isinstance(rows, list):
            raise UnreadableError(f"expected list @ {RESULT}.{ENTRIES}", retryable=True)
        return Page(self._entries(rows), _next_page(page, head) if rows else None, _count(head.get(TOTAL)))

    def _entries(self, rows: list[Any]) -> tuple[Entry_co, ...]:
        entries, problems = [], []
        for index, row in enumerate(rows):
            try:
                entries.append(self.read(_object(row)))
            except ValueError as error:
                problems.append(f"{error} @ {RESULT}.{ENTRIES}[{index}]")
        if problems:
            raise UnreadableError(*problems[:MAX_PROBLEMS], retryable=False)
        return tuple(entries)


def _next_page(page: int, head: Mapping[str, Any]) -> int | None:
    """Return the number of the next page, which is always a later one; with a head that is silent, try it."""
    if head.get(HAS_NEXT) == "N":
        return None
    number = _count(head.get(NEXT_PAGE))
    return number if number is not None and number > page else page + 1


def _link(row: Mapping[str, Any]) -> ListedLink:
    link_id, domain = row.get(LINK_ID), row.get(DOMAIN)
    if not isinstance(link_id, str) or not isinstance(domain, str):
        raise ValueError(f"expected str for {LINK_ID} and {DOMAIN}")  # noqa: TRY004 - of the answer, not of ours
    try:
        link = Link(link_id, domain)
    except UsageError:
        raise ValueError(f"{LINK_ID} or {DOMAIN} names no link") from None
    return ListedLink(link, _text(row.get(TITLE)), _moment(row.get(CREATED)))


def _group(row: Mapping[str, Any]) -> ListedGroup:
    number = _count(row.get(GROUP_NUMBER))
    if number is None:
        raise ValueError(f"expected int for {GROUP_NUMBER}")
    name, links = _text(row.get(GROUP_NAME)), _count(row.get(GROUP_LINKS))
    return ListedGroup(Group(number), name, links, _moment(row.get(CREATED)))


def _object(row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise ValueError("expected object")  # noqa: TRY004 - of the answer, not of ours
    return row


def _count(value: object) -> int | None:
    """Return a number that is not negative, as an int or a digit string."""
    number = whole_number(value)
    return number if number is not None and 0 <= number <= LARGEST else None


def _text(value: object) -> str:
    """Return a text that every output can hold; of anything else, nothing."""
    return value if isinstance(value, str) and can_travel(value) else ""


def _moment(value: object) -> dt.datetime | None:
    if isinstance(value, str) and re.fullmatch(_MOMENT, value):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            pass
    return None


LINKS: Final = ListEndpoint("links/v1", "/api/link/v1/list", _link)
GROUPS: Final = ListEndpoint("groups/v2", "/api/link-group/v2/list", _group)
