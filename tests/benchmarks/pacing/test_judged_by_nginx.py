"""nginx as a judge: how it is told the limit, and that it really keeps it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing.contenders import OURS, ours
from benchmarks.pacing.judged_by_nginx import RATE, ask, directives
from benchmarks.peers.upstream import find_nginx, upstream

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Job

needs_nginx = pytest.mark.skipif(find_nginx() is None, reason="nginx is not installed")


async def _hasty(job: Job) -> None:
    """Keep no limit at all."""
    for _ in range(job.requests):
        await job.trip()


@needs_nginx
@pytest.mark.parametrize(("burst", "answered"), [(None, 1), (10, 11)])
def test_haste_is_refused(burst: int | None, answered: int) -> None:
    """Without burst one request gets through, and with burst that many more; the rest is refused."""
    http, location = directives(burst)
    with upstream(http=http, location=location) as base:
        outcome = asyncio.run(ask("a server", "hasty", _hasty, base, 15))
    assert outcome.requests == outcome.answered + outcome.refused == 15
    assert answered <= outcome.answered <= answered + 1  # half a second may pass on a busy machine


@needs_nginx
def test_ours_is_answered() -> None:
    """A burst that is allowed is answered at once, with what was asked for."""
    http, location = directives(RATE.requests)
    with upstream(http=http, location=location) as base:
        outcome = asyncio.run(ask("a server", OURS, ours("window"), base, RATE.requests))
    assert (outcome.answered, outcome.refused) == (RATE.requests, 0)
