"""The processor time that the first day takes, each way to ask in a process of its own.

*Cold* is the first question of the process, from the making of the client on, with whatever is loaded late;
*new* is the first one of a further client; *warm* is a further one of the same client. The peer is a bare
``get`` of aiohttp that checks nothing. The time is that of the process in user space and in the kernel, so
neither nginx nor other work on the machine is in it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import statistics
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

import aiohttp

from benchmarks.peers.slices import AGENT, DOMAIN, FIRST, HEADERS, KEY, LINK, PATH
from benchmarks.peers.upstream import find_nginx, upstream
from benchmarks.processes import cores, fresh, usage
from benchmarks.results import Section, Table, spread
from hourlyclicks import Client, Limits, Link

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    Visits: TypeAlias = AsyncGenerator[float, None]
    Times: TypeAlias = dict[str, list[float]]

CONCURRENCY = 3
"""As on the largest of the vendor's plans."""
NEW, WARM = 30, 60
_STREAMED = 10
"""Days of a stream; only the first is timed, and the others are read, so that the connections stay open."""
_TARGET = Link(LINK, DOMAIN)


def _asking(base: str) -> Client:
    return Client(KEY, limits=Limits(concurrency=CONCURRENCY), base_url=base, user_agent=AGENT)


async def bare(base: str) -> Visits:
    """Yield the seconds that a ``get`` and its ``.json()`` took, the first with the making of the session."""
    params = {"ymd": FIRST.isoformat(), "linkId": LINK, "domain": DOMAIN}
    began = time.process_time()
    async with aiohttp.ClientSession(base, headers=HEADERS) as session:
        while True:
            async with session.get(PATH, params=params) as response:
                document = await response.json()
            yield time.process_time() - began
            assert document["result"][0]["ymd"] == FIRST.isoformat()
            began = time.process_time()


async def day(base: str) -> Visits:
    """Yield the seconds that `Client.day` took, the first with the making of the client."""
    began = time.process_time()
    async with _asking(base) as client:
        while True:
            answer = await client.day(FIRST, _TARGET)
            yield time.process_time() - began
            assert answer.date == FIRST
            began = time.process_time()


async def stream(base: str) -> Visits:
    """Yield the seconds to the first day of a `Client.stream`, the first with the making of the client."""
    last = FIRST + dt.timedelta(days=_STREAMED - 1)
    began = time.process_time()
    async with _asking(base) as client:
        while True:
            async with client.stream(FIRST, last, _TARGET) as days:
                answer = await anext(days)
                seconds = time.process_time() - began
                assert answer.date == FIRST
                assert len([other async for other in days]) == _STREAMED - 1
            yield seconds
            began = time.process_time()


WAYS: dict[str, Callable[[str], Visits]] = {"bare": bare, "day": day, "stream": stream}
_NAMES = {"bare": "bare aiohttp", "day": "`day`", "stream": "`stream`"}
_STATES = ("cold", "new", "warm")


async def found(way: Callable[[str], Visits], base: str) -> Times:
    """Return the seconds of each question, by the state the client was in."""
    firsts, later = [], []
    for number in (*[0] * NEW, WARM):
        async with aclosing(way(base)) as visits:
            firsts.append(await anext(visits))
            later = [await anext(visits) for _ in range(number)]
    return {"cold": firsts[:1], "new": firsts[1:], "warm": later}


def asked(way: str, base: str, core: int | None) -> Times:
    """Ask in this process, which is held to a core; see `found`."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    return asyncio.run(found(WAYS[way], base))


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Ask nginx in several rounds; the ways take turns."""
    if find_nginx() is None:
        remark = "The time to the first day was not measured: there is no nginx."
        return Section(remarks=(remark,))
    usage("-c", "from hourlyclicks.client.preload import load_all; load_all()")  # writes the bytecode
    core, other = cores()
    rounds: list[dict[str, Times]] = []
    with upstream(core=other) as base:
        for number in range(2 if quick else 9):
            say(f"the first day, round {number + 1}")
            rounds.append({way: fresh(asked, way, base, core) for way in WAYS})
    middles = [
        {
            (way, state): statistics.median(seconds)
            for way, times in each.items()
            for state, seconds in times.items()
        }
        for each in rounds
    ]
    rows = tuple(
        (
            name,
            *(spread([each[way, state] * 1e3 for each in middles], ".2f") for state in _STATES),
            *(
                spread([each[way, state] / each["bare", state] for each in middles], ".2f")
                for state in _STATES
            ),
        )
        for way, name in _NAMES.items()
    )
    head = ("", *_STATES, *(f"{state}, times bare" for state in _STATES))
    return Section(
        tables=(
            Table("Milliseconds of processor time to the first day, from nginx on loopback", head, rows),
        ),
        figures={"rounds": rounds},
    )
