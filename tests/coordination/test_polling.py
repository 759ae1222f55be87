"""When a process asks the arbiter again."""

from __future__ import annotations

import pytest

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.polling import Answer, Polling
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.queue import Lane

NOW = 1000 * SECOND


@pytest.mark.parametrize("milliseconds", [1, 15, 25, 2000])
def test_a_known_moment_is_not_missed(milliseconds: int) -> None:
    """A process that ranks first asks exactly when its slot opens, however near that is."""
    polling, moment = Polling(), NOW + milliseconds * SECOND // 1000
    answer = Answer(None, alone=True, waited=20 * SECOND, expires_in=20 * SECOND)
    polling.wait_for(Wait(moment + 7, "rate"), Lane.BACKFILL, answer, now=NOW, offset=7)
    assert polling.wait(Lane.BACKFILL, NOW) == Wait(moment, "rate")
    assert polling.wait(Lane.INTERACTIVE, NOW) is None
    assert polling.wait(Lane.BACKFILL, moment) is None
