"""The lists of links and groups, over a socket and within their own limit."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import (
    Account,
    AuthenticationError,
    Client,
    Limits,
    Link,
    ListedGroup,
    Plan,
    PlanError,
    Rate,
    RetryPolicy,
    UsageError,
)
from hourlyclicks.events import PageAttemptFailed, PageRead, Paused, Resumed
from hourlyclicks.model.targets import Group
from hourlyclicks.simulator import Catalogue, Late, ListedLink, ListRules, Rule, Script, Simulator, Status
from tests.client.stories import KEY, LINK, START, simulate

if TYPE_CHECKING:
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import Asked, VirtualClock

FIRST, LAST = dt.date(2020, 1, 1), dt.date(2024, 12, 31)
LINKS, GROUPS = "links/v1", "groups/v2"


def catalogue(links: int = 1000) -> Catalogue:
    """Return the catalogue of an account."""
    return Catalogue.invented(links, FIRST, LAST)


class OneMadeOneDeleted:
    """Adds a link and removes one that was read already, after the tenth page; no fault."""

    def __init__(self, listed: Catalogue) -> None:
        self._listed = listed
        self.made = ListedLink(Link("made", "https://vvd.bz"), dt.datetime.now(dt.UTC))

    def pick(self, asked: Asked) -> None:
        """Change the catalogue once."""
        if asked.number == 10:
            newest = max(self._listed.links, key=lambda listed: (listed.created, str(listed.link)))
            self._listed.add(self.made)
            self._listed.remove(newest.link)


async def test_a_thousand_links_while_one_is_made_and_one_deleted() -> None:
    """All links on 34 pages are found, none twice, and the limit of all requests is kept.

    They are read twice; two more requests are for links before the oldest and after the newest.
    """
    listed = catalogue()
    before = {each.link for each in listed.links}
    change = OneMadeOneDeleted(listed)
    async with (
        Simulator(plan="premium", catalogue=listed, faults=change) as upstream,
        Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM) as client,
    ):
        found = [link.target async for link in client.links()]
    assert len(found) == len(set(found))
    assert set(found) == before | {change.made.link}
    assert upstream.counters.over_limit == 0
    assert upstream.counters.count(endpoint=LINKS, status=200) == upstream.counters.requests == 71 + 2


async def test_what_is_known_of_an_entry() -> None:
    """A link has its target, its title and when it was created on the account's clock; so has a group."""
    listed = catalogue(3)
    async with (
        Simulator(plan="premium", catalogue=listed, timezone="Asia/Seoul") as upstream,
        Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM, timezone="Asia/Seoul") as client,
    ):
        links = {link.target: (link.title, link.created) async for link in client.links()}
        groups = [group async for group in client.groups()]
    seoul = dt.timedelta(hours=9)
    assert links == {
        each.link: (each.title, each.created.replace(tzinfo=None, microsecond=0) + seoul)
        for each in listed.links
    }
    assert groups[0] == ListedGroup(Group(1), "Group 1", groups[0].links, dt.datetime(2020, 1, 1, 9))  # noqa: DTZ001 - on the account's clock
    assert len(groups) == 3


async def test_only_some_days_of_creation() -> None:
    """Both days are included."""
    listed = catalogue(200)
    days = sorted(each.created.date() for each in listed.links)
    first, last = days[50], days[100]
    async with (
        Simulator(plan="premium", catalogue=listed) as upstream,
        Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM) as client,
    ):
        found = [link.created async for link in client.links(created=(first, str(last)))]
    assert sorted(moment.date() for moment in found if moment) == [
        day for day in days if first <= day <= last
    ]


@pytest.mark.parametrize(
    "created", ["2025-01-01", ("2025-01-01",), ("2025-01-02", "2025-01-01"), (1, 2), ("soon", "later")]
)
async def test_wrong_periods(created: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A period that is none is an error at once."""
    async with Client(KEY, plan=Plan.PREMIUM) as client:
        with pytest.raises(UsageError):
            client.links(created=created)


async def test_a_plan_without_lists() -> None:
    """The error comes with the call, and nothing is sent."""
    async with (
        Simulator(plan="personal") as upstream,
        Client(upstream.key, base_url=upstream.url, plan=Plan.PERSONAL) as client,
    ):
        for call in (client.links, client.groups):
            with pytest.raises(PlanError, match="Personal plan does not include the lists"):
                call()
    assert upstream.counters.requests == 0


def test_lists_and_statistics_have_limits_of_their_own() -> None:
    """A list does not wait for statistics, nor they for it; both together keep what the plan allows."""
    rules = ListRules(page_size=1)
    upstream = Simulator(plan="premium", catalogue=catalogue(300), lists=rules, latency=(0.0, 0.2))

    async def story(client: Client, clock: VirtualClock) -> tuple[int, float]:
        await client.fetch("2024-03-01", "2024-03-15", LINK)  # what a minute allows
        begun = clock.monotonic()
        found = [link async for link in client.links()]
        return len(found), (clock.monotonic() - begun) / 1e9

    found, seconds = simulate(upstream, story, plan=Plan.PREMIUM, limits=None)
    assert found == 300
    assert 60 < seconds < 130  # 302 requests at 285 in a minute
    assert upstream.counters.over_limit == 0
    assert upstream.max_in_window(60, limit="base") <= 300


def test_limits_of_ones_own() -> None:
    """They hold for the lists as well, and no plan is checked."""
    upstream = Simulator(plan="premium", catalogue=catalogue(100), limits=[(2, 60)], base_limits=[(2, 60)])

    async def story(client: Client, _: VirtualClock) -> int:
        return len([link async for link in client.links()])

    assert simulate(upstream, story, limits=Limits(rates=(Rate(2, 60.0),))) == 100
    assert upstream.counters.over_limit == 0


def test_what_fails_is_repeated() -> None:
    """A failed page is repeated, a 429 pauses the list and costs no attempt, and events report both."""
    events: list[Event] = []
    faults = Script(
        Rule(Status(503), number={2}),
        Rule(Status(429, headers=(("Retry-After", "30"),)), number={4}),
    )
    upstream = Simulator(limits=(), catalogue=catalogue(60), faults=faults)

    async def story(client: Client, _: VirtualClock) -> int:
        return len([link async for link in client.links()])

    assert simulate(upstream, story, on_event=events.append, plan=Plan.PREMIUM, limits=None) == 60
    failed = [event for event in events if isinstance(event, PageAttemptFailed)]
    assert [(event.name, event.page, event.attempt) for event in failed] == [("links", 2, 1)]
    (pause,) = [event.seconds for event in events if isinstance(event, Paused)]
    assert pause >= 30
    assert sum(isinstance(event, Resumed) for event in events) == 1
    read = [(event.page, event.entries, event.total) for event in events if isinstance(event, PageRead)]
    assert read == [(1, 30, 60), (2, 30, 60), (1, 30, 60), (1, 0, 0), (1, 0, 0), (1, 0, 0)]


def test_what_fails_for_good_is_raised() -> None:
    """The error of a page is about no day; a rejected key ends lists and statistics by themselves."""
    upstream = Simulator(limits=(), catalogue=catalogue(60), faults=Script(Rule(Status(500))))

    async def failing(client: Client, _: VirtualClock) -> None:
        with pytest.raises(Exception, match="HTTP 500") as caught:
            await anext(client.links())
        assert (caught.value.day, caught.value.target) == (None, None)  # type: ignore[attr-defined]  # of any class

    simulate(upstream, failing, retry=RetryPolicy(attempts=2))
    assert upstream.counters.requests == 2
    upstream.faults = Script(Rule(Status(401), endpoint=GROUPS))

    async def rejected(client: Client, _: VirtualClock) -> None:
        for _again in range(2):
            with pytest.raises(AuthenticationError):
                await anext(client.groups())
        await client.fetch(START, START, Account())
        upstream.faults = None
        client.retry_key()
        assert len([group async for group in client.groups()]) == 3

    simulate(upstream, rejected)
    assert upstream.counters.count(endpoint=GROUPS) == 2


def test_a_closed_client_reads_no_list() -> None:
    """A list in progress ends with an error, and so does a new one."""
    upstream = Simulator(limits=(), catalogue=catalogue(60))

    async def story(client: Client, _: VirtualClock) -> None:
        links = client.links()
        await anext(links)
        await client.close()
        with pytest.raises(UsageError, match="the client is closed"):
            [link async for link in links]
        with pytest.raises(UsageError, match="the client is closed"):
            await anext(client.links())

    simulate(upstream, story)
    assert upstream.counters.requests == 1


def test_closing_ends_a_list_at_once() -> None:
    """It sends nothing while a day in flight is waited for, since nothing of it is stored."""
    faults = Script(Rule(Late(30.0), day=dt.date(2024, 3, 1)))
    upstream = Simulator(
        limits=(), concurrency=0, catalogue=catalogue(3000), faults=faults, latency=(1.0, 1.0)
    )

    async def story(client: Client, clock: VirtualClock) -> int:
        async def read() -> None:
            async for _ in client.links():
                pass

        calls = [asyncio.create_task(call) for call in (read(), client.day(START, LINK))]
        await clock.sleep(3.5)
        begun, sent = clock.monotonic(), upstream.counters.requests
        await client.close(grace=20)
        assert clock.monotonic() - begun == 20e9
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, UsageError)
        return upstream.counters.requests - sent

    assert simulate(upstream, story) == 0
