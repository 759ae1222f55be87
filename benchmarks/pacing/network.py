"""A network to a server in the same process: delays by chance, and a log of every arrival."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from benchmarks.peers.slices import HOURS
from hourlyclicks.clock import SECOND
from hourlyclicks.model.http import Response

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.model.http import Request
    from hourlyclicks.simulator.algorithms import Algorithm

_ROWS = ",".join(f'{{"ymd":"DAY","hour":{hour},"acesCnt":{hour},"pernCnt":1}}' for hour in range(HOURS))
_ANSWER = f'{{"code":0,"message":"success","result":[{_ROWS}]}}'.encode()
_NO_HEADERS: CIMultiDict[str] = CIMultiDict()
CLICKS_A_DAY = sum(range(HOURS))
"""What the server answers for any day, all hours together."""


class SimulatedNetwork:
    """Carry requests there and back; two of one seed delay the nth request alike.

    Args:
        clock: what the delays take place on.
        seed: another one, other delays, and another phase of the server's windows.
        delay: the least and the most seconds of one way.
        police: refuses what it does not allow; ``None``: everything is answered.

    Attributes:
        arrivals: when the requests arrived, in nanoseconds of the server's clock, in order.
        refused: how many were rejected.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int,
        delay: tuple[float, float],
        algorithm: Algorithm | None = None,
    ) -> None:
        self._clock = clock
        self._random = random.Random(seed)
        self._delay = delay
        self._ahead = self._random.randrange(60 * SECOND)
        self._police = algorithm
        self.arrivals: list[int] = []
        self.refused = 0

    async def trip(self) -> bool:
        """Carry one request, and return whether it was answered and not refused."""
        there, back = self._random.uniform(*self._delay), self._random.uniform(*self._delay)
        await self._clock.sleep(there)
        now = self._clock.monotonic() + self._ahead
        self.arrivals.append(now)
        answered = self._police is None or self._police.arrive(now)
        self.refused += not answered
        await self._clock.sleep(back)
        return answered


class NetworkTransport:
    """A `Transport` over such a network; the server knows the answer for any day."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self._network = network

    async def send(self, request: Request) -> Response:
        """See `Transport.send`; a refusal says nothing about when to come back, as nginx's does not."""
        if not await self._network.trip():
            return Response(429, _NO_HEADERS, b"")
        return Response(200, _NO_HEADERS, _ANSWER.replace(b"DAY", request.url.query["ymd"].encode()))

    async def close(self) -> None:
        """See `Transport.close`; there is nothing to give up."""
