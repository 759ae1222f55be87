"""What the exchanges of a client share: the key, the limiter, and the rules by which responses are judged."""

from __future__ import annotations

import attrs

from hourlyclicks.clock import Clock
from hourlyclicks.events import Dispatcher
from hourlyclicks.fetching.clock_skew import ClockSkewDetector
from hourlyclicks.fetching.key_trust import KeyTrust
from hourlyclicks.fetching.retry import Retrier
from hourlyclicks.model.zones import Finality
from hourlyclicks.pacing.limiter import Limiter
from hourlyclicks.wire.key import ApiKey


@attrs.frozen
class Rules:
    """What all exchanges of a client share.

    Args:
        key: the API key, which no message may repeat.
        finality: when a day is final.
        skew: compares the clocks of this machine and the server.
        trust: decides whether the key is in doubt.
        retrier: decides how often and when to retry.
        limiter: pauses requests, and ends all tasks after a fatal error.
        clock: what time it is.
        dispatch: receives the events.
    """

    key: ApiKey
    finality: Finality
    skew: ClockSkewDetector
    trust: KeyTrust
    retrier: Retrier
    limiter: Limiter
    clock: Clock
    dispatch: Dispatcher
