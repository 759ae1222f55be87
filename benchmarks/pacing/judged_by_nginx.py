"""The same question to a judge that is not ours: nginx with ``limit_req`` and ``limit_conn``, in real time.

Two servers run at once. One lets no burst through, which is a leaky bucket; the other one lets through a
burst of as many requests as a window holds. Every contender is counted by itself, by its User-Agent, and all
of them run at the same time, so that they suffer from the same noise of the machine. Others go on when they
are rejected; our client waits and repeats, as it does.

A minute and a request a second would take too long. The window is shorter, and so is our guard.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import aiohttp
import attrs

from benchmarks.pacing.contenders import OURS, OURS_BARE, OURS_EVEN, Job, contenders
from benchmarks.peers.slices import DOMAIN, HEADERS, KEY, LINK, PATH, days
from benchmarks.peers.upstream import upstream
from hourlyclicks import Client, Rate
from hourlyclicks.events import Refused

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Contender
    from hourlyclicks import Limits
    from hourlyclicks.events import Event

RATE = Rate(10, 5.0)
"""The limit that every contender is told; nginx keeps the same, two requests a second."""

CONCURRENCY = 3
_QUICK, _FULL = 20, 80
_REFUSED = 429
_SMOOTH, _BURSTS = "no burst", f"burst of {RATE.requests}"
SERVERS = {_SMOOTH: OURS_EVEN, _BURSTS: OURS}
"""The servers, and which of our spacings is meant for each."""


def directives(burst: int | None) -> tuple[str, str]:
    """Return what makes nginx keep the limit: for its ``http`` block, and for the location.

    The location answers with ``return``, and nginx looks at that before it looks at any limit. So the limits
    stand in a location of their own, which is closed here, and hand over to the one that answers.

    Args:
        burst: how many requests may be ahead of their time; they are answered at once. ``None``: none.
    """
    per_minute = round(RATE.requests * 60 / RATE.seconds)
    http = (
        f"limit_req_zone $http_user_agent zone=rate:1m rate={per_minute}r/m;"
        " limit_conn_zone $http_user_agent zone=places:1m;"
        f" limit_req_status {_REFUSED}; limit_conn_status {_REFUSED};"
    )
    allowance = f" burst={burst} nodelay" if burst else ""
    location = (
        f"limit_req zone=rate{allowance}; limit_conn places {CONCURRENCY};"
        " try_files /there-is-no-such-file @answer; } location @answer {"
    )
    return http, location


@attrs.frozen
class Outcome:
    """What nginx made of a contender.

    Args:
        server: which of the servers it was.
        contender: who ran.
        requests: how many days it was to ask for.
        answered: how many requests were answered.
        refused: how many were rejected.
        seconds: from the beginning to the last response.
    """

    server: str
    contender: str
    requests: int
    answered: int
    refused: int
    seconds: float

    @property
    def pace(self) -> float:
        """The requests that were answered in a second."""
        return self.answered / self.seconds


async def ask(server: str, name: str, contender: Contender, base: str, requests: int) -> Outcome:
    """Let a contender send its requests, counted under its own name.

    Args:
        server: the name of the server.
        name: the name of the contender.
        contender: who runs.
        base: the base URL of the server.
        requests: how many requests to send.
    """
    agent = f"benchmark-{name.encode().hex()}/1"
    wanted = iter(days(requests))
    statuses: list[int] = []

    def record(event: Event) -> None:
        if isinstance(event, Refused):
            statuses.append(event.status)

    def client(limits: Limits) -> Client:
        return Client(KEY, limits=limits, base_url=base, user_agent=agent, on_event=record)

    async with aiohttp.ClientSession(base, headers=HEADERS | {"User-Agent": agent}) as session:

        async def trip() -> None:
            params = {"ymd": next(wanted).isoformat(), "linkId": LINK, "domain": DOMAIN}
            async with session.get(PATH, params=params) as response:
                await response.read()
                statuses.append(response.status)

        loop = asyncio.get_running_loop()
        began = loop.time()
        await contender(Job(requests, RATE, CONCURRENCY, trip, client))
        seconds = loop.time() - began
    refused = statuses.count(_REFUSED)
    # Our client notes rejections only, and gets every day in the end, or raises.
    answered = requests if name in (OURS, OURS_EVEN) else statuses.count(200)
    if answered + refused < requests:
        raise RuntimeError(f"{name} was answered {statuses}")
    return Outcome(server, name, requests, answered, refused, seconds)


async def _ask_all(bases: dict[str, str], *, quick: bool) -> list[Outcome]:
    """Run all contenders at the same time; when quick, without the one that is certain to be made to wait."""
    requests = _QUICK if quick else _FULL
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(ask(server, name, contender, base, requests))
            for server, base in bases.items()
            for name, contender in contenders().items()
            if name != OURS_BARE and not (quick and server == _SMOOTH and name == OURS)
        ]
    return [task.result() for task in tasks]


def judged(*, quick: bool) -> list[Outcome]:
    """Run all contenders against nginx: about 10 seconds when quick, else 40, longer for those rejected.

    Raises:
        FileNotFoundError: nginx is not installed.
    """
    with ExitStack() as stack:
        bases = {}
        for server in SERVERS:
            http, location = directives(RATE.requests if server == _BURSTS else None)
            bases[server] = stack.enter_context(upstream(http=http, location=location))
        return asyncio.run(_ask_all(bases, quick=quick))
