"""The links and groups that an account has, and the pages of their lists.

Any link has traffic, whether it is listed or not; a listed one has none before it was created. Links can be
added and removed while a list is read, so that its pages move.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, get_args

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_whole
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.simulator.limit_set import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator.questions import Listing
    from hourlyclicks.simulator.traffic import Cell

_T = TypeVar("_T")

Order: TypeAlias = Literal["newest", "oldest"]
"""Whether a list of links begins with the newest or the oldest one."""

LongPeriod: TypeAlias = Literal["refuse", "cut_end", "cut_start"]
"""What becomes of a period of creation that is too long: it is refused, or cut silently."""

_SPELLING = "%Y-%m-%d %H:%M:%S"
_DOMAIN = "https://vvd.bz"


def _aware(_: object, attribute: attrs.Attribute[dt.datetime], value: dt.datetime) -> None:
    if value.tzinfo is None:
        raise UsageError(f"{attribute.name} is an aware datetime")


@attrs.frozen
class ListedLink:
    """A link of the account.

    Args:
        link: the link.
        created: when it was created; aware. It has no clicks before.
        title: its title.
        group: the number of its group, if it is in one.
    """

    link: Link
    created: dt.datetime = attrs.field(validator=_aware)
    title: str = ""
    group: int | None = None


@attrs.frozen
class ListedGroup:
    """A group of the account.

    Args:
        idx: its number.
        created: when it was created; aware.
        name: its name.
    """

    idx: int
    created: dt.datetime = attrs.field(validator=_aware)
    name: str = ""


@attrs.frozen(kw_only=True)
class ListRules:
    """How a server answers for pages of links and groups, as far as the documentation leaves it open.

    Args:
        page_size: the entries of a page.
        order: with which link a list begins.
        longest_period: how many days the moments of creation in one request may be apart; ``None``: any.
        too_long: what becomes of a period that is longer.
        with_created: whether a link has its moment of creation.
        limit: which rate limit the lists count against.

    Raises:
        UsageError: a value is not among the possible ones.
    """

    page_size: int = 30
    order: Order = "newest"
    longest_period: int | None = None
    too_long: LongPeriod = "refuse"
    with_created: bool = True
    limit: Limit = "base"

    def __attrs_post_init__(self) -> None:
        check_whole("ListRules.page_size", self.page_size, least=1)
        if self.order not in get_args(Order):
            raise UsageError(f"ListRules.order cannot be {self.order!r}")
        if self.limit not in get_args(Limit):
            raise UsageError(f"ListRules.limit cannot be {self.limit!r}")
        if self.too_long not in get_args(LongPeriod):
            raise UsageError(f"ListRules.too_long cannot be {self.too_long!r}")

    def refuses(self, first: dt.datetime, last: dt.datetime) -> bool:
        """Return whether a period of creation is refused."""
        return self.too_long == "refuse" and self.covered(first, last) != (first, last)

    def covered(self, first: dt.datetime, last: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """Return the period that is answered for."""
        if self.longest_period is None or last - first <= dt.timedelta(self.longest_period):
            return first, last
        longest = dt.timedelta(self.longest_period)
        return (last - longest, last) if self.too_long == "cut_start" else (first, first + longest)


class Catalogue:
    """The links and groups of an account.

    Args:
        links: the links.
        groups: the groups.
    """

    def __init__(self, links: Iterable[ListedLink] = (), groups: Iterable[ListedGroup] = ()) -> None:
        self._links = {listed.link: listed for listed in links}
        self._groups = {listed.idx: listed for listed in groups}

    @classmethod
    def invented(cls, links: int, first: dt.date, last: dt.date, *, groups: int = 3, seed: int = 0) -> Self:
        """Invent a catalogue; always the same for the same arguments.

        Args:
            links: how many links it has.
            first: the first day on which a link was created, in UTC.
            last: the last such day.
            groups: how many groups there are; each link is in one of them, or in none.
            seed: selects the catalogue.
        """
        begin = dt.datetime.combine(first, dt.time(), dt.UTC)
        seconds = ((last - first).days + 1) * 86_400
        made = []
        for number in range(links):
            chance = hashlib.blake2b(b"%d\0%d" % (seed, number), digest_size=12).digest()
            created = begin + dt.timedelta(seconds=int.from_bytes(chance[:8], "big") % seconds)
            group = chance[8] % (groups + 1) or None
            made.append(ListedLink(Link(f"L{number:05}", _DOMAIN), created, f"Link {number}", group))
        return cls(made, (ListedGroup(idx, begin, f"Group {idx}") for idx in range(1, groups + 1)))

    @property
    def links(self) -> tuple[ListedLink, ...]:
        """The links, in the order in which they were added."""
        return tuple(self._links.values())

    @property
    def groups(self) -> tuple[ListedGroup, ...]:
        """The groups, likewise."""
        return tuple(self._groups.values())

    def add(self, entry: ListedLink | ListedGroup) -> None:
        """Add a link or a group, or replace it."""
        if isinstance(entry, ListedLink):
            self._links[entry.link] = entry
        else:
            self._groups[entry.idx] = entry

    def remove(self, target: Link | Group) -> None:
        """Remove a link or a group; one that is not listed is a `KeyError`."""
        if isinstance(target, Link):
            del self._links[target]
        else:
            del self._groups[target.idx]

    def created(self, target: Target) -> dt.datetime | None:
        """Return when a target was created; ``None`` if it is not listed."""
        if isinstance(target, Link):
            listed = self._links.get(target)
            return None if listed is None else listed.created
        if isinstance(target, Group) and target.idx in self._groups:
            return self._groups[target.idx].created
        return None

    def page_of_links(self, listing: Listing, rules: ListRules, zone: dt.tzinfo) -> str:
        """Return a page of links as JSON."""
        if listing.created is not None:
            listing = attrs.evolve(listing, created=rules.covered(*listing.created))
        found = [listed for listed in self._links.values() if _matches(listed, listing, zone)]
        found.sort(key=lambda listed: (listed.created, str(listed.link)), reverse=rules.order == "newest")
        return _page(found, listing.page, rules, lambda listed: _link_row(listed, rules, zone))

    def page_of_groups(self, listing: Listing, rules: ListRules, zone: dt.tzinfo) -> str:
        """Return a page of groups as JSON, in the order of their numbers."""
        name = listing.fields.get("nm")
        found = [listed for _, listed in sorted(self._groups.items()) if name in {None, listed.name}]
        return _page(found, listing.page, rules, lambda listed: self._group_row(listed, zone))

    def page_of_group_clicks(
        self, listing: Listing, rules: ListRules, figures_of: Callable[[Group], Cell]
    ) -> str:
        """Return a page of the clicks of groups on a day as JSON; like a link, any group has clicks.

        Args:
            listing: which groups, and which page.
            rules: how pages are.
            figures_of: returns the clicks and the unique users of a group on that day.
        """

        def row(idx: int) -> dict[str, Any]:
            listed, (clicks, users) = self._groups.get(idx), figures_of(Group(idx))
            name = "" if listed is None else listed.name
            return {"grpIdx": idx, "grpNm": name, "acesCnt": clicks or 0, "pernCnt": users or 0}

        return _page(listing.groups or sorted(self._groups), listing.page, rules, row)

    def _group_row(self, listed: ListedGroup, zone: dt.tzinfo) -> dict[str, Any]:
        created = _written(listed.created, zone)
        return {
            "idx": listed.idx,
            "nm": listed.name,
            "memo": "",
            "linkCnt": sum(link.group == listed.idx for link in self._links.values()),
            "regYmdt": created,
            "modYmdt": created,
        }


def _matches(listed: ListedLink, listing: Listing, zone: dt.tzinfo) -> bool:
    wanted = listing.fields
    if listing.created is not None:
        first, last = listing.created
        if not first <= _local(listed.created, zone) <= last:
            return False
    return (
        wanted.get("linkId", listed.link.id) == listed.link.id
        and wanted.get("domain", listed.link.domain) == listed.link.domain
        and wanted.get("grpIdx", str(listed.group)) == str(listed.group)
    )


def _link_row(listed: ListedLink, rules: ListRules, zone: dt.tzinfo) -> dict[str, Any]:
    row = {
        "linkId": listed.link.id,
        "domain": listed.link.domain,
        "typeIdx": 1,
        "typeNm": "URL",
        "ttl": listed.title,
    }
    return {**row, "regYmdt": _written(listed.created, zone)} if rules.with_created else row


def _page(found: Sequence[_T], number: int, rules: ListRules, row: Callable[[_T], dict[str, Any]]) -> str:
    """Return one page of what was found."""
    pages = -(-len(found) // rules.page_size)
    shown = found[(number - 1) * rules.page_size : number * rules.page_size]
    extra = {
        "pages": number,
        "nextPages": number + 1 if number < pages else number,
        "nextYn": "Y" if number < pages else "N",
        "count": len(shown),
        "totalCount": len(found),
    }
    return json.dumps(
        {"extra": extra, "list": [row(entry) for entry in shown]}, ensure_ascii=False, separators=(",", ":")
    )


def _local(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """Return a moment on the account's clock, in whole seconds."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _written(moment: dt.datetime, zone: dt.tzinfo) -> str:
    return f"{_local(moment, zone):{_SPELLING}}"
