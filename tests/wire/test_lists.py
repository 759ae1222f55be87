"""Pages of links and groups: requests, and bodies into entries."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import ApiError, DecodeError, HourlyClicksError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.http import Response
from hourlyclicks.model.listing import ListedGroup, ListedLink, Page
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.simulator import PLANS, Catalogue, ListRules
from hourlyclicks.simulator.upstream import Upstream
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.lists import GROUPS, LINKS
from hourlyclicks.wire.request import Origin

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request

KEY = ApiKey("key-of-acme-0001")
ORIGIN = Origin.of("https://api.example", KEY, "acme/1.0")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SPRING = DateRange.of("2025-03-01", "2025-05-31")
LINK_ROW = '{"linkId":"k/Y","domain":"https://vvd.bz","typeIdx":1,"typeNm":"URL","ttl":"T","regYmdt":"%s"}'


def page_of(*rows: str, head: str = '"nextPages":3,"nextYn":"Y","count":1,"totalCount":61') -> bytes:
    """Return the body of a page with these rows."""
    body = '{"code":0,"message":"","result":{"extra":{%s},"list":[%s]}}' % (head, ",".join(rows))  # noqa: UP031 - braces
    return body.encode()


def links(body: bytes, number: int = 2) -> Page[ListedLink]:
    """Decode a page of links that came with status 200."""
    return LINKS.decode(number, Response(200, {}, body), key=KEY)


def groups(body: bytes) -> Page[ListedGroup]:
    """Decode the first page of groups."""
    return GROUPS.decode(1, Response(200, {}, body), key=KEY)


def test_a_request_names_the_days_and_the_page() -> None:
    """Links are asked for by the days of their creation, from the first second to the last."""
    assert LINKS.build(2, ORIGIN, created=SPRING).target == (
        "/api/link/v1/list?regStartYmdt=2025-03-01%2000%3A00%3A00&regEndYmdt=2025-05-31%2023%3A59%3A59&pages=2"
    )
    assert GROUPS.build(1, ORIGIN).target == "/api/link-group/v2/list?pages=1"
    assert LINKS.build(2, ORIGIN).headers is ORIGIN.headers


def test_a_page_of_links() -> None:
    """A link has its target, its title and its moment of creation."""
    created = dt.datetime(2025, 4, 2, 20, 30)  # noqa: DTZ001 - on the account's clock
    link = ListedLink(Link("k/Y", "https://vvd.bz"), "T", created)
    assert links(page_of(LINK_ROW % "2025-04-02 20:30:00")) == Page((link,), next=3, total=61)


def test_a_page_of_groups() -> None:
    """A group has its target, its name, the number of its links and its moment of creation."""
    row = '{"idx":"2","nm":"봄","memo":"","linkCnt":7,"regYmdt":"2025-04-02 20:30:00","modYmdt":""}'
    created = dt.datetime(2025, 4, 2, 20, 30)  # noqa: DTZ001 - on the account's clock
    page = groups(page_of(row, head='"nextYn":"N"'))
    assert page == Page((ListedGroup(Group(2), "봄", 7, created),), next=None, total=None)


@pytest.mark.parametrize(
    "row",
    [
        LINK_ROW % "2025-02-30 00:00:00",
        LINK_ROW % "yesterday",
        '{"linkId":"k/Y","domain":"https://vvd.bz","ttl":"T","regYmdt":20250402}',
        '{"linkId":"k/Y","domain":"https://VVD.bz/","ttl":"T"}',
    ],
)
def test_a_creation_that_cannot_be_read_is_not_known(row: str) -> None:
    """No day is left out because of it."""
    assert links(page_of(row)).entries == (ListedLink(Link("k/Y", "https://vvd.bz"), "T", None),)


@pytest.mark.parametrize("title", ["null", "7", '"\\ud800"', '"a\\u0000b"'])
def test_a_title_that_no_output_can_hold_is_empty(title: str) -> None:
    """What only describes a link does not make a page unreadable."""
    row = f'{{"linkId":"k/Y","domain":"https://vvd.bz","ttl":{title}}}'
    assert links(page_of(row)).entries[0].title == ""
    assert groups(page_of(f'{{"idx":1,"nm":{title},"linkCnt":-1}}')).entries == (ListedGroup(Group(1)),)


@pytest.mark.parametrize(
    ("head", "rows", "following"),
    [
        ('"nextPages":3,"nextYn":"Y"', 1, 3),
        ('"nextPages":"3","nextYn":"Y"', 1, 3),
        ('"nextPages":9,"nextYn":"Y"', 1, 9),
        ('"nextPages":2,"nextYn":"Y"', 1, 3),
        ('"nextPages":null,"nextYn":"Y"', 1, 3),
        ("", 1, 3),
        ('"nextPages":3,"nextYn":"N"', 1, None),
        ('"nextPages":3,"nextYn":"Y"', 0, None),
    ],
)
def test_pages_come_to_an_end(head: str, rows: int, following: int | None) -> None:
    """The next page is a later one, and after a page without entries there is none."""
    assert links(page_of(*[LINK_ROW % ""] * rows, head=head)).next == following


@pytest.mark.parametrize(
    ("body", "problems", "retryable"),
    [
        (b'{"code":0,"result":[]}', ("expected object @ result",), True),
        (b'{"code":0}', ("missing @ result",), True),
        (b'{"code":0,"result":{"list":[]}}', ("expected object @ result.extra",), True),
        (b'{"code":0,"result":{"extra":{}}}', ("expected list @ result.list",), True),
        (
            page_of("null", '{"linkId":7,"domain":"https://vvd.bz"}', LINK_ROW % ""),
            ("expected object @ result.list[0]", "expected str for linkId and domain @ result.list[1]"),
            False,
        ),
        (
            page_of('{"linkId":"a","domain":"vvd.bz"}', '{"linkId":"","domain":"https://vvd.bz"}'),
            (
                "linkId or domain names no link @ result.list[0]",
                "linkId or domain names no link @ result.list[1]",
            ),
            False,
        ),
        (b"<html>", ("HTML, not JSON",), True),
    ],
)
def test_an_unreadable_page_is_an_error(body: bytes, problems: tuple[str, ...], *, retryable: bool) -> None:
    """An entry that cannot be asked about is not left out without a word."""
    with pytest.raises(DecodeError) as caught:
        links(body)
    assert (caught.value.problems, caught.value.retryable) == (problems, retryable)


def test_an_unreadable_group_is_an_error() -> None:
    """A group needs its number."""
    with pytest.raises(DecodeError, match=r"expected int for idx @ result.list\[0\]"):
        groups(page_of('{"nm":"Spring"}'))


def test_a_rejection_is_an_error() -> None:
    """A code other than 0 is that of the API; the key is kept out of the error."""
    with pytest.raises(ApiError) as caught:
        links(b'{"code":2007,"message":"not for key-of-acme-0001"}')
    assert (caught.value.code, caught.value.message) == (2007, "not for ***")
    assert isinstance(LINKS.judge(Response(500, {}, b""), NOW), HourlyClicksError)
    assert GROUPS.judge(Response(200, {}, b""), NOW) is None


def answer(upstream: Upstream, request: Request) -> bytes:
    """Return what the simulator answers."""
    url = request.url
    headers = {"authorization": "APIKey key-of-acme-0001", "user-agent": "acme/1.0"}
    return upstream.answer("GET", url.raw_path, url.raw_query_string, headers, NOW).body


@pytest.mark.parametrize("rules", [ListRules(), ListRules(page_size=7, order="oldest", with_created=False)])
def test_the_simulator_is_understood(rules: ListRules) -> None:
    """All links and groups are found on its pages, and all links that were created within some days."""
    catalogue = Catalogue.invented(100, dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    upstream = Upstream(keys={"key-of-acme-0001": PLANS["premium"]}, catalogue=catalogue, lists=rules)
    found: list[ListedLink] = []
    totals, number = set[int | None](), 1
    while number:
        page = links(answer(upstream, LINKS.build(number, ORIGIN, created=SPRING)), number)
        found += page.entries
        totals.add(page.total)
        number = page.next or 0
    expected: dict[Link, Any] = {
        listed.link: listed.created.replace(tzinfo=None) if rules.with_created else None
        for listed in catalogue.links
        if listed.created.date() in SPRING
    }
    assert {link.target: link.created for link in found} == expected
    assert len(found) == len(expected)
    assert totals == {len(expected)}
    names = [group.target.idx for group in groups(answer(upstream, GROUPS.build(1, ORIGIN))).entries]
    assert names == [1, 2, 3]
    assert json.loads(answer(upstream, LINKS.build(1, ORIGIN)))["code"] == 4002
