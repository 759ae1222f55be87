"""Lists of links and groups: pages on a socket, and pages that move while they are read."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.simulator import Catalogue, ListedGroup, ListedLink, ListRules, Simulator
from hourlyclicks.simulator.traffic import day_figures
from tests.simulator.raw_client import ask

LINKS = "/api/link/v1/list"
GROUPS = "/api/link-group/v2/list"
CLICKS_BY_GROUP = "/api/link/v1/clicks-by-group"
EVER = "regStartYmdt=2000-01-01+00%3A00%3A00&regEndYmdt=2099-12-31+23%3A59%3A59"
SPRING = ListedLink(
    Link("봄", "https://vvd.bz"), dt.datetime(2025, 4, 2, 20, 30, tzinfo=dt.UTC), '"Spring"', 2
)
FALL = ListedLink(Link("fall", "https://vvd.im"), dt.datetime(2025, 9, 1, tzinfo=dt.UTC))
GROUP = ListedGroup(2, dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "Seasons")


def catalogue(links: int = 100) -> Catalogue:
    """Return the catalogue of an account with so many links."""
    return Catalogue.invented(links, dt.date(2020, 1, 1), dt.date(2024, 12, 31))


async def page(upstream: Simulator, number: int, query: str = EVER, *, path: str = LINKS) -> dict[str, Any]:
    """Return the ``result`` of a page."""
    content = json.loads((await ask(upstream, f"{query}&pages={number}", path=path)).body)
    assert content["code"] == 0
    result: dict[str, Any] = content["result"]
    return result


async def test_a_page_of_links() -> None:
    """A page has a head and the links, the newest first, on the account's clock."""
    async with Simulator(catalogue=Catalogue([SPRING, FALL], [GROUP]), timezone="Asia/Seoul") as upstream:
        got = await ask(upstream, f"{EVER}&pages=1", path=LINKS)
    assert got.body.decode() == (
        '{"code":0,"message":"success","result":{'
        '"extra":{"pages":1,"nextPages":1,"nextYn":"N","count":2,"totalCount":2},"list":['
        '{"linkId":"fall","domain":"https://vvd.im","typeIdx":1,"typeNm":"URL","ttl":"",'
        '"regYmdt":"2025-09-01 09:00:00"},'
        '{"linkId":"봄","domain":"https://vvd.bz","typeIdx":1,"typeNm":"URL","ttl":"\\"Spring\\"",'
        '"regYmdt":"2025-04-03 05:30:00"}]}}'
    )


async def test_a_page_of_groups() -> None:
    """The groups have the number of their links; the page may be left out."""
    async with Simulator(catalogue=Catalogue([SPRING, FALL], [GROUP])) as upstream:
        got = await ask(upstream, "", path=GROUPS)
        other = await page(upstream, 1, "nm=Colours", path=GROUPS)
    assert got.body == (
        b'{"code":0,"message":"success","result":{'
        b'"extra":{"pages":1,"nextPages":1,"nextYn":"N","count":1,"totalCount":1},"list":['
        b'{"idx":2,"nm":"Seasons","memo":"","linkCnt":1,'
        b'"regYmdt":"2024-01-01 00:00:00","modYmdt":"2024-01-01 00:00:00"}]}}'
    )
    assert other["list"] == []


async def test_all_pages_have_all_links() -> None:
    """Each link is on one page, and the heads lead from page to page."""
    rules = ListRules(page_size=30, order="oldest", with_created=False)
    async with Simulator(catalogue=catalogue(), lists=rules) as upstream:
        pages = [await page(upstream, number) for number in range(1, 6)]
        listed = [Link(row["linkId"], row["domain"]) for part in pages for row in part["list"]]
        oldest_first = sorted(upstream.catalogue.links, key=lambda listed: listed.created)
    assert listed == [listed.link for listed in oldest_first]
    assert [part["extra"]["count"] for part in pages] == [30, 30, 30, 10, 0]
    assert [(part["extra"]["nextPages"], part["extra"]["nextYn"]) for part in pages] == [
        (2, "Y"),
        (3, "Y"),
        (4, "Y"),
        (4, "N"),
        (5, "N"),
    ]
    assert {part["extra"]["totalCount"] for part in pages} == {100}
    assert "regYmdt" not in pages[0]["list"][0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("regStartYmdt=2025-04-02 20:30:00&regEndYmdt=2025-04-02 20:30:00", [SPRING]),
        ("regStartYmdt=2025-04-02 20:30:01&regEndYmdt=2025-09-01 00:00:00", [FALL]),
        (f"{EVER}&linkId=fall", [FALL]),
        (f"{EVER}&domain=https%3A%2F%2Fvvd.bz", [SPRING]),
        (f"{EVER}&grpIdx=2", [SPRING]),
        (f"{EVER}&grpIdx=3", []),
    ],
)
async def test_links_are_selected(query: str, found: list[ListedLink]) -> None:
    """Both moments of creation are included, and the filters hold together."""
    async with Simulator(catalogue=Catalogue([SPRING, FALL])) as upstream:
        got = await page(upstream, 1, query.replace(" ", "+"))
    assert [row["linkId"] for row in got["list"]] == [listed.link.id for listed in found]


@pytest.mark.parametrize(
    ("query", "plan", "code"),
    [
        (EVER, "premium", 4001),
        (f"{EVER}&pages=0", "premium", 4001),
        (f"{EVER}&pages=one", "premium", 4001),
        ("pages=1", "premium", 4002),
        ("regStartYmdt=2025-01-01&regEndYmdt=2025-01-02&pages=1", "premium", 4002),
        ("regStartYmdt=2025-02-30+00:00:00&regEndYmdt=2025-03-01+00:00:00&pages=1", "premium", 4002),
        ("regStartYmdt=2025-01-02+00:00:00&regEndYmdt=2025-01-01+00:00:00&pages=1", "premium", 4002),
        (f"{EVER}&pages=1", "premium", 4003),
        (f"{EVER}&pages=1", "personal", 2007),
        ("pages=%FF", "premium", 3001),
    ],
)
async def test_a_page_that_cannot_be_answered_is_rejected(query: str, plan: str, code: int) -> None:
    """Links need a period and a page; lists need the Premium plan."""
    async with Simulator(plan=plan, lists=ListRules(longest_period=365)) as upstream:
        content = json.loads((await ask(upstream, query, path=LINKS)).body)
        groups = json.loads((await ask(upstream, "pages=1", path=GROUPS)).body)
    assert (content["code"], content["result"]) == (code, [])
    assert groups["code"] == (2007 if plan == "personal" else 0)


async def test_pages_move() -> None:
    """A link that is made while the pages are read moves all others on; a removed one moves them back."""
    async with Simulator(catalogue=catalogue(40)) as upstream:
        first = await page(upstream, 1)
        upstream.catalogue.add(FALL)
        upstream.catalogue.remove(Link(first["list"][0]["linkId"], "https://vvd.bz"))
        upstream.catalogue.remove(Link(first["list"][1]["linkId"], "https://vvd.bz"))
        upstream.catalogue.add(GROUP)
        upstream.catalogue.remove(Group(2))
        moved = await page(upstream, 1)
        second = await page(upstream, 2)
        with pytest.raises(KeyError):
            upstream.catalogue.remove(Group(2))
    assert moved["list"][0]["linkId"] == "fall"
    assert moved["list"][1:29] == first["list"][2:]
    assert second["extra"] == {"pages": 2, "nextPages": 2, "nextYn": "N", "count": 9, "totalCount": 39}


async def test_lists_have_the_base_limit() -> None:
    """Statistics count against both limits, lists against the base limit, unless a switch says otherwise."""
    async with Simulator(limits=[(1, 1000.0)], base_limits=[(3, 1000.0)], catalogue=catalogue()) as upstream:
        statistics = (await ask(upstream)).status
        lists = [(await ask(upstream, f"{EVER}&pages=1", path=LINKS)).status for _ in range(3)]
    assert [statistics, *lists] == [200, 200, 200, 429]
    assert (upstream.max_in_window(60), upstream.max_in_window(60, limit="base")) == (1, 4)
    async with Simulator(limits=[(1, 1000.0)], lists=ListRules(limit="statistics")) as upstream:
        statuses = [(await ask(upstream, f"{EVER}&pages=1", path=LINKS)).status for _ in range(2)]
    assert statuses == [200, 429]


async def test_the_base_limit_is_that_of_the_plan() -> None:
    """All requests together may be as many as the plan says; a limit of one's own replaces both."""
    async with Simulator(plan="premium") as upstream:
        statuses = [(await ask(upstream, "pages=1", path=GROUPS)).status for _ in range(301)]
        assert (await ask(upstream)).status == 429
    assert statuses == [*[200] * 300, 429]


def test_a_catalogue_is_always_the_same() -> None:
    """The same arguments make the same links, created within the days, in a group or in none."""
    first, last = dt.date(2020, 1, 1), dt.date(2020, 1, 2)
    made = Catalogue.invented(50, first, last, groups=2)
    assert made.links == Catalogue.invented(50, first, last, groups=2).links
    assert made.links != Catalogue.invented(50, first, last, groups=2, seed=1).links
    assert {listed.created.date() for listed in made.links} == {first, last}
    assert {listed.group for listed in made.links} == {None, 1, 2}
    assert [group.idx for group in made.groups] == [1, 2]
    assert made.created(made.links[3].link) == made.links[3].created
    assert made.created(Group(1)) == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert made.created(Group(7)) is made.created(Account()) is None


def test_impossible_entries_are_errors() -> None:
    """A moment without a zone, and a rule that no server can have, are errors when they are made."""
    with pytest.raises(UsageError, match="created is an aware datetime"):
        ListedGroup(1, dt.datetime(2025, 1, 1))  # noqa: DTZ001 - the point of the test
    for options in ({"page_size": 0}, {"order": "best"}, {"limit": "none"}):
        with pytest.raises(UsageError, match=rf"ListRules.{next(iter(options))}"):
            ListRules(**options)


async def test_the_clicks_of_groups_on_a_day() -> None:
    """Each group that is named has a row, in that order, with the sums of its day and its name."""
    async with Simulator(catalogue=Catalogue([], [GROUP]), today=dt.date(2025, 6, 1)) as upstream:
        got = await page(upstream, 1, "ymd=2025-05-01&grpIdx=7,2,7", path=CLICKS_BY_GROUP)
        silent = await page(upstream, 1, "ymd=2023-12-31&grpIdx=2", path=CLICKS_BY_GROUP)
        day = dt.date(2025, 5, 1)
        sums = [day_figures(upstream.cells(Group(idx), day, day)[day]) for idx in (7, 2)]
        assert upstream.counters.count(endpoint="clicks-by-group/v1") == 2
    assert got["extra"] == {"pages": 1, "nextPages": 1, "nextYn": "N", "count": 2, "totalCount": 2}
    assert got["list"] == [
        {"grpIdx": 7, "grpNm": "", "acesCnt": sums[0][0], "pernCnt": sums[0][1]},
        {"grpIdx": 2, "grpNm": "Seasons", "acesCnt": sums[1][0], "pernCnt": sums[1][1]},
    ]
    assert silent["list"] == [{"grpIdx": 2, "grpNm": "Seasons", "acesCnt": 0, "pernCnt": 0}]


async def test_all_groups_of_the_account() -> None:
    """Without numbers, from the Business plan on, the groups of the catalogue come page by page."""
    groups = [ListedGroup(idx, GROUP.created, f"Group {idx}") for idx in range(1, 41)]
    async with Simulator(catalogue=Catalogue([], groups), plan="business") as upstream:
        pages = [await page(upstream, number, "ymd=2025-05-01", path=CLICKS_BY_GROUP) for number in (1, 2)]
    assert [row["grpIdx"] for part in pages for row in part["list"]] == list(range(1, 41))
    assert [part["extra"]["nextYn"] for part in pages] == ["Y", "N"]


@pytest.mark.parametrize(
    ("query", "plan", "code"),
    [
        ("grpIdx=1", "premium", 1001),
        ("ymd=2025-13-01&grpIdx=1", "premium", 1002),
        ("ymd=2099-01-01&grpIdx=1", "premium", 1003),
        ("ymd=2025-05-01&grpIdx=one", "premium", 2004),
        ("ymd=2025-05-01&grpIdx=1,", "premium", 2004),
        ("ymd=2025-05-01", "premium", 2008),
        ("ymd=2025-05-01&grpIdx=1,2,3,4,5,6", "premium", 2009),
        ("ymd=2025-05-01&grpIdx=" + ",".join(map(str, range(1, 32))), "enterprise", 2009),
        ("ymd=2025-05-01&grpIdx=1&pages=0", "enterprise", 4001),
        ("ymd=2025-05-01&grpIdx=1", "personal", 2007),
        ("ymd=2025-05-01&grpIdx=1,2,3,4,5", "premium", 0),
        ("ymd=2025-05-01&grpIdx=" + ",".join(map(str, range(1, 31))), "enterprise", 0),
    ],
)
async def test_which_groups_may_be_named(query: str, plan: str, code: int) -> None:
    """Up to 5 on Premium, which must name them, and up to 30 above."""
    async with Simulator(plan=plan) as upstream:
        assert json.loads((await ask(upstream, query, path=CLICKS_BY_GROUP)).body)["code"] == code


async def test_the_clicks_of_groups_count_like_a_list() -> None:
    """They keep the limit of all requests, not that of the statistics."""
    async with Simulator(limits=((1, 60),), base_limits=((3, 60),), plan="business") as upstream:
        statuses = [(await ask(upstream, "ymd=2025-05-01", path=CLICKS_BY_GROUP)).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
