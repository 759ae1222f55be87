"""Reading lists that change meanwhile: each entry once, and none is missed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import Account, ApiError, AuthenticationError, DateRange, DecodeError, Link, ListedGroup
from hourlyclicks.fetching.list_pages import PageEndpoint
from hourlyclicks.jobs.lists import MOST_READINGS, Reading
from hourlyclicks.model.listing import Page
from hourlyclicks.model.targets import Group
from hourlyclicks.simulator import Body, Catalogue, ListRules, Rule, Script, Simulator, Status
from hourlyclicks.simulator import ListedLink as SimulatedLink
from hourlyclicks.wire.lists import LINKS
from tests.client.stories import simulate
from tests.sizes import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks import Client
    from hourlyclicks.simulator import Asked, VirtualClock
    from hourlyclicks.simulator.catalogue import LongPeriod, Order

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
TODAY = dt.date(2025, 6, 1)
PAGE = b'{"code":0,"message":"","result":{"extra":{%s},"list":[{"idx":1,"nm":""}]}}'
MOVING = PAGE % b'"nextYn":"Y","totalCount":1'
SHORT = PAGE % b'"nextYn":"N","totalCount":31'


class Changing:
    """Changes the catalogue of a simulator after each answer; no fault.

    Args:
        change: called with the catalogue and the number of the request, from 1.
        catalogue: the catalogue.

    Attributes:
        shown: the links that were there for the last answer.
    """

    def __init__(self, change: Callable[[Catalogue, int], None], catalogue: Catalogue) -> None:
        self._change = change
        self._catalogue = catalogue
        self.shown: set[Link] = set()

    def pick(self, asked: Asked) -> None:
        """Change the catalogue."""
        self.shown = {listed.link for listed in self._catalogue.links}
        self._change(self._catalogue, asked.number)


def serving(catalogue: Catalogue, **options: Any) -> Simulator:  # noqa: ANN401 - passed through
    """Return a simulator without limits, in the middle of 2025."""
    return Simulator(limits=(), concurrency=0, catalogue=catalogue, today=TODAY, **options)


def all_links(upstream: Simulator) -> list[Link]:
    """Read all links of a simulator."""

    async def story(client: Client, _: VirtualClock) -> list[Link]:
        return [link.target async for link in client.links()]

    found: list[Link] = simulate(upstream, story)
    return found


changes = st.dictionaries(
    st.integers(1, 12),
    st.tuples(st.booleans(), st.booleans(), st.integers(0, 1000)),
    max_size=MOST_READINGS - 1,
)
"""By the number of a request: whether a link is added before it, whether one is removed, and which one."""


@settings(max_examples=examples(100))
@given(
    links=st.integers(0, 12),
    page_size=st.integers(1, 5),
    order=st.sampled_from(("newest", "oldest")),
    by_request=changes,
)
def test_all_links_are_found_once(
    links: int, page_size: int, order: Order, by_request: dict[int, tuple[bool, bool, int]]
) -> None:
    """Whatever is added and removed between two requests: what is there at the last one was found, once."""
    old = Catalogue.invented(links, FIRST, LAST)
    targets = [listed.link for listed in old.links]
    created = dt.datetime.combine(TODAY, dt.time(1), dt.UTC)

    def change(catalogue: Catalogue, number: int) -> None:
        added, removed, which = by_request.pop(number, (False, False, 0))
        if added:
            catalogue.add(SimulatedLink(Link(f"new{number}", "https://vvd.bz"), created))
        if removed and targets:
            catalogue.remove(targets.pop(which % len(targets)))

    changing = Changing(change, old)
    rules = ListRules(page_size=page_size, order=order)
    found = Counter(all_links(serving(old, lists=rules, faults=changing)))
    assert changing.shown <= set(found)
    assert set(found.values()) <= {1}


def test_a_list_that_stays_the_same_is_read_once() -> None:
    """1,000 links on 34 pages are 34 requests, the first page again, and one for the links of today.

    Two more are for links before the oldest and after the newest.
    """
    upstream = serving(Catalogue.invented(1000, FIRST, LAST))
    assert len(set(all_links(upstream))) == 1000
    assert upstream.counters.requests == 36 + 2


@pytest.mark.parametrize("created", [None, ("2023-12-20", "2025-01-15")], ids=str)
@pytest.mark.parametrize("too_long", ["cut_start", "cut_end"])
@pytest.mark.parametrize("longest", [31, 92, 365])
def test_a_period_that_is_cut_without_a_word(
    too_long: LongPeriod, longest: int, created: tuple[str, str] | None
) -> None:
    """All links are found, each once, unless none was created for as long as the server answers for."""
    catalogue = Catalogue.invented(200, FIRST, LAST)
    rules = ListRules(longest_period=longest, too_long=too_long, page_size=200)
    upstream = serving(catalogue, lists=rules)

    async def story(client: Client, _: VirtualClock) -> list[Link]:
        return [link.target async for link in client.links(created=created)]

    found = simulate(upstream, story)
    if created is None and (too_long == "cut_end" or longest < 365):
        assert found == []
    else:
        assert sorted(found, key=str) == [listed.link for listed in catalogue.links]
    assert upstream.counters.requests <= 4 + 2 * 366 / longest


def page(*targets: int, total: int | None) -> Page[ListedGroup]:
    """Return a page of groups."""
    return Page(tuple(ListedGroup(Group(idx)) for idx in targets), None, total)


@pytest.mark.parametrize(
    ("pages", "first", "complete"),
    [
        ([page(1, 2, total=4), page(3, 4, total=4)], page(1, 2, total=4), True),
        ([page(1, 2, total=None), page(3, total=None)], page(1, 2, total=None), True),
        ([page(1, 2, total=4), page(3, 4, total=3)], page(1, 2, total=3), False),
        ([page(1, 2, total=4), page(2, 3, total=4)], page(1, 2, total=4), False),
        ([page(1, 2, total=4), page(3, 4, total=4)], page(0, 1, total=4), False),
        ([page(1, 2, total=4), page(3, 4, total=4)], page(1, 2, total=5), False),
        ([page(1, 2, total=4), page(3, total=4)], page(1, 2, total=4), False),
        ([page(1, 1, total=1)], None, False),
    ],
)
def test_a_reading_counts_only_if_nothing_moved(
    pages: list[Page[ListedGroup]], first: Page[ListedGroup] | None, *, complete: bool
) -> None:
    """Another total, an entry that comes twice, another first page, or too few entries are a change."""
    reading = Reading()
    for each in pages:
        reading.add(each)
    if first is not None:
        reading.end(first)
    assert reading.complete is complete


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (MOVING, "the list of groups changed each of the 5 times it was read"),
        (SHORT, "the list of groups has 31 entries, of which its pages have 1"),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error(body: bytes, problem: str) -> None:
    """A list whose pages repeat themselves is not complete, nor one with fewer entries than its total."""
    upstream = serving(Catalogue(), faults=Script(Rule(Body(body))))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(DecodeError, match=problem):
            [group async for group in client.groups()]

    simulate(upstream, story)
    assert upstream.counters.requests <= 15


@pytest.mark.parametrize(
    ("name", "options", "requests"),
    [("groups", {}, 1), ("links", {"created": ("2024-02-01", "2024-02-28")}, 1), ("links", {}, 5)],
)
def test_a_key_that_a_code_rejects_is_an_error_of_the_key(
    name: str, options: dict[str, Any], requests: int
) -> None:
    """There is nothing that could be meant instead, but for a period of creation that may be too long."""
    body = Body(b'{"code":1002,"message":"invalid API key"}')
    upstream = serving(Catalogue(), faults=Script(Rule(body)))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(AuthenticationError, match="the API does not accept the API key"):
            [entry async for entry in getattr(client, name)(**options)]

    simulate(upstream, story)
    assert upstream.counters.requests == requests


@pytest.mark.parametrize(("created", "requests"), [(("2024-01-01", "2024-12-31"), 3), (None, 40)])
def test_a_period_that_is_too_long_is_halved(created: tuple[str, str] | None, requests: int) -> None:
    """All links are found, without knowing how many days one request may name."""
    catalogue = Catalogue.invented(60, FIRST, LAST)
    upstream = serving(catalogue, lists=ListRules(longest_period=365, page_size=60))

    async def story(client: Client, _: VirtualClock) -> list[Link]:
        return [link.target async for link in client.links(created=created)]

    assert sorted(simulate(upstream, story), key=str) == [listed.link for listed in catalogue.links]
    assert upstream.counters.requests == requests


def test_a_rejection_that_is_not_about_the_period() -> None:
    """Shorter periods are tried, down to four weeks, and then its error is raised."""
    upstream = serving(Catalogue(), faults=Script(Rule(Body(b'{"code":9,"message":"no"}'))))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(ApiError, match="code 9: no"):
            await anext(client.links())

    simulate(upstream, story)
    assert upstream.counters.requests == 10


def test_a_gateway_is_not_asked_for_shorter_periods() -> None:
    """Its answer is no information about the period; it is repeated as for a day."""
    upstream = serving(Catalogue(), faults=Script(Rule(Status(404, body=b"<html>"))))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(ApiError, match="a gateway or another server"):
            await anext(client.links())

    simulate(upstream, story)
    assert upstream.counters.requests == 4


def test_a_page_is_about_no_days() -> None:
    """It is an endpoint to an exchange, and no day can be asked for there."""
    page = PageEndpoint(LINKS, 1, None)
    assert (page.name, list(page.split(DateRange(FIRST, LAST), Account()))) == ("links/v1", [])
