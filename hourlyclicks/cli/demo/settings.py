"""The settings of the demonstration: what is fetched, how fast, and how often it is tried."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from hourlyclicks.client import Client
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.targets import Link
from hourlyclicks.pacing.plans import Limits, Rate

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.events import Hook

LINK = Link("3mYq", "https://vvd.bz")
TODAY = dt.date(2025, 7, 1)
"""The day after the last one. It is always the same, so that a seed always gives the same figures."""

SCALE = 1 / 30
FAULTS = 0.15
DELAY = (0.005, 0.060)
RETRY = RetryPolicy(attempts=8, base=0.1, cap=2.0, budget=math.inf)
"""More patient than the default, since one answer in seven is spoilt, and quicker: minutes are short."""

RATE = Rate(24, 60.0 * SCALE)
LIMITS = Limits((RATE,), concurrency=2, guard=SCALE)
"""Those of the Business plan, on the time scale of the server."""


def client_of(key: str, url: str, store: Path, on_event: Hook) -> Client:
    """Return a client of the simulated server."""
    return Client(
        key, base_url=url, limits=LIMITS, retry=RETRY, timezone="UTC", store=store, on_event=on_event
    )
