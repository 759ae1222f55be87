"""What can be asked about: the whole account, one group of links, or one link.

The three are separate types and a target is exactly one of them, so a request for a link *and* a group,
whose answer is not documented, cannot be expressed.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - so that the annotations of a query can be resolved at run time
import re
from contextlib import suppress
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import attrs
from yarl import URL

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_text, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@attrs.frozen
class Account:
    """Every link of the account together (Premium and up)."""

    def __str__(self) -> str:
        return "account"


def _group_number(_: Group, attribute: attrs.Attribute[int], value: object) -> None:
    check_whole(f"Group.{attribute.name}", value, least=0)


@attrs.frozen
class Group:
    """Every link of one group together (Premium and up).

    Args:
        idx: the number of the group, as the vendor's console shows it.
    """

    idx: int = attrs.field(validator=_group_number)

    def __str__(self) -> str:
        return f"group {self.idx}"


_BARE_ORIGIN = r"(?i:https?)://[^\x00-\x20\x7f-\xa0\\/?#@]+/?"


def _link_id(_: Link, __: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise UsageError(f"Link.id must be a non-empty string, not {value!r}")
    check_text("Link.id", value)


def _domain(value: str) -> str:
    """Give one spelling to a domain: scheme and host in lower case, no slash at the end."""
    if _is_bare_origin(value):
        with suppress(ValueError):
            return str(URL(value).origin())
    raise UsageError(
        f"the domain of a link is written with its scheme and nothing else: 'https://vvd.bz', not {value!r}"
    )


def _is_bare_origin(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(_BARE_ORIGIN, value) is not None


@attrs.frozen(cache_hash=True)  # each of its days is looked up by it
class Link:
    """One short link.

    Args:
        id: the link's id, as it stands behind the domain; any characters.
        domain: the link's domain with its scheme, such as ``"https://vvd.bz"``.
    """

    id: str = attrs.field(validator=_link_id)
    domain: str = attrs.field(converter=_domain)

    def __str__(self) -> str:
        return f"{self.domain}/{self.id}"


Target: TypeAlias = Account | Link | Group


def as_target(text: str) -> Target:
    """Read what ``str(target)`` wrote: ``"account"``, ``"group 7"`` or ``"https://vvd.bz/kYdr"``.

    Raises:
        UsageError: for anything else.
    """
    if text == "account":
        return Account()
    if group := re.fullmatch(r"group (0|[1-9][0-9]{0,4000})", text):
        return Group(int(group[1]))
    if link := re.fullmatch(r"([a-zA-Z]+://[^/]+)/(.+)", text, re.DOTALL):
        return Link(link[2], link[1])
    raise UsageError(f"a target is written 'account', 'group 7' or 'https://vvd.bz/kYdr', not {text!r}")


class Query(NamedTuple):
    """What one request asks: one day of one target.

    Args:
        day: the day.
        target: the target.
    """

    day: dt.date
    target: Target


def queries(days: Iterable[dt.date], target: Target) -> Iterator[Query]:
    """Return a query for each day, lazily."""
    return map(partial(tuple.__new__, Query), zip(days, repeat(target)))  # as cheap as a tuple
