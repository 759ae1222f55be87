"""What the tests of the client share: a client on a virtual clock, and a simulator without limits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from hourlyclicks import Client, Limits, Link
from hourlyclicks.model.http import Response
from hourlyclicks.simulator import DEFAULT_KEY, Simulator, run_virtual
from hourlyclicks.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.model.http import Request
    from hourlyclicks.simulator import VirtualClock


LINK = Link("kYdr", "https://vvd.bz")
KEY = DEFAULT_KEY
START, END = "2024-03-01", "2024-03-31"
UNLIMITED = Limits(concurrency=3)


def simulate(
    upstream: Simulator,
    main: Callable[[Client, VirtualClock], Awaitable[Any]],
    **options: Any,  # noqa: ANN401 - passed through
) -> Any:  # noqa: ANN401 - passed through
    """Run a scenario with a client on the virtual clock; ``store=MemoryStore`` is one with the same clock."""
    options.setdefault("limits", UNLIMITED)
    if options["limits"] is None:
        del options["limits"]

    async def tell(clock: VirtualClock) -> Any:  # noqa: ANN401 - whatever the story returns
        if options.get("store") is MemoryStore:
            options["store"] = MemoryStore(clock=clock)
        client = Client(
            upstream.key, transport=upstream.transport(clock), clock=clock, random=random.Random(1), **options
        )
        async with client:
            return await main(client, clock)

    return run_virtual(tell)


def free(**options: Any) -> Simulator:  # noqa: ANN401 - passed through
    """Return a simulator without limits."""
    return Simulator(limits=(), concurrency=0, latency=(0.05, 0.05), **options)


class EmptyAnswers:
    """A transport that answers every day with no rows after 0.1 s, and counts the requests."""

    def __init__(self, clock: VirtualClock) -> None:
        self.requests = 0
        self._clock = clock

    async def send(self, _request: Request) -> Response:
        """Answer."""
        self.requests += 1
        await self._clock.sleep(0.1)
        return Response(200, {}, b'{"code": 0, "result": []}')

    async def close(self) -> None:
        """Do nothing."""
