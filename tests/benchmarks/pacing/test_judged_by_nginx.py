"""nginx as a judge: how it gets the limit, and that it keeps it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing.contenders import OURS, OURS_EVEN, ours
from benchmarks.pacing.judged_by_nginx import CONCURRENCY, RATE, SERVERS, Outcome, ask, directives
from benchmarks.peers.upstream import find_nginx, upstream

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Job

needs_nginx = pytest.mark.skipif(find_nginx() is None, reason="nginx is not installed")


async def _hasty(job: Job) -> None:
    """Keep no limit at all."""
    for _ in range(job.requests):
        await job.trip()


def test_without_burst() -> None:
    """The server has the same limit as the contenders, in requests a minute."""
    http, location = directives(None)
    assert RATE.requests / RATE.seconds == 2
    assert "zone=rate:1m rate=120r/m;" in http
    assert "limit_req_status 429;" in http
    assert "limit_conn_status 429;" in http
    assert f"limit_req zone=rate; limit_conn places {CONCURRENCY};" in location


def test_with_burst() -> None:
    """Requests within the burst are answered at once."""
    assert "limit_req zone=rate burst=10 nodelay;" in directives(10)[1]


def test_the_limit_stands_before_the_answer() -> None:
    """The location with the limits is closed, and the one that answers is left open for the template."""
    location = directives(None)[1]
    assert location.count("{") == location.count("}") == 1
    assert location.endswith("} location @answer {")


def test_each_spacing_has_its_server() -> None:
    """Both of our spacings are judged."""
    assert sorted(SERVERS.values()) == sorted([OURS, OURS_EVEN])


def test_pace() -> None:
    """The pace counts what was answered."""
    assert Outcome("no burst", "x", requests=20, answered=10, refused=10, seconds=5.0).pace == 2


@needs_nginx
@pytest.mark.parametrize(("burst", "answered"), [(None, 1), (10, 11)])
def test_haste_is_refused(burst: int | None, answered: int) -> None:
    """Without burst one request is answered, and with burst that many more; the others get an error."""
    http, location = directives(burst)
    with upstream(http=http, location=location) as base:
        outcome = asyncio.run(ask("a server", "hasty", _hasty, base, 15))
    assert outcome.requests == outcome.answered + outcome.refused == 15
    assert answered <= outcome.answered <= answered + 1  # half a second may pass on a busy machine


@needs_nginx
def test_ours_is_answered() -> None:
    """A burst that is allowed is answered at once, with the requested days."""
    http, location = directives(RATE.requests)
    with upstream(http=http, location=location) as base:
        outcome = asyncio.run(ask("a server", OURS, ours("window"), base, RATE.requests))
    assert (outcome.answered, outcome.refused) == (RATE.requests, 0)
