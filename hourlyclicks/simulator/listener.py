"""The simulator on a socket: an HTTP server that hands requests to the app, and delivers its answers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
from email.utils import format_datetime
from typing import TYPE_CHECKING, cast

from aiohttp import web

from hourlyclicks.errors import UsageError
from hourlyclicks.simulator.app import Arrival
from hourlyclicks.simulator.sockets import perform, stop_listening, wait

if TYPE_CHECKING:
    from hourlyclicks.simulator.app import App
    from hourlyclicks.simulator.delivery import Answer
    from hourlyclicks.simulator.server_time import ServerTime

_GRACE = 1.0
"""The seconds after which handlers of open connections are cancelled."""


class Listener:
    """Listen on a socket for the requests to a simulator.

    Args:
        app: handles the requests.
        time: the time of the simulator.
        host: the address to listen on.
        port: the port to listen on; 0: a free one.
    """

    def __init__(self, app: App, time: ServerTime, host: str, port: int) -> None:
        self._app = app
        self._time = time
        self._host, self._port = host, port
        self._url: str | None = None
        self._opened = contextlib.AsyncExitStack()
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        """The base URL while it is open.

        Raises:
            UsageError: it is not open.
        """
        if self._url is None:
            raise UsageError(
                "the simulator listens only inside 'async with', or 'with Simulator.in_thread()'"
            )
        return self._url

    async def open(self) -> None:
        """Start to listen."""
        connections = web.Server(self._handle, handler_cancellation=True, access_log=None)
        async with contextlib.AsyncExitStack() as opened:
            opened.push_async_callback(connections.shutdown, _GRACE)
            opened.callback(connections.pre_shutdown)  # idle connections end at once
            loop = asyncio.get_running_loop()
            server = await loop.create_server(connections, self._host, self._port)
            opened.push_async_callback(stop_listening, server)
            self._opened = opened.pop_all()
        self._closing = asyncio.Event()
        self._url = _url_of(server)

    async def close(self) -> None:
        """Close all connections and stop listening."""
        self._url = None
        self._closing.set()
        await self._opened.aclose()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        clock, delays = self._time.clock, self._time.delays
        exchange = await self._app.admit(clock, delays.next(), functools.partial(self._arrival, request))
        delivery = exchange.delivery
        try:
            await clock.sleep(delays.next())
            if delivery.delay:
                await wait(delivery.delay, clock, self._closing)
            if not delivery.plain:
                # A lost connection would have cancelled this handler, so there is a transport.
                connection = cast("asyncio.Transport", request.transport)
                await perform(delivery, connection, clock, self._closing)
        finally:
            self._app.leave(exchange)
        answer = self._dated(delivery.answer)
        return web.Response(status=answer.status, headers=answer.headers, body=delivery.body)

    def _dated(self, answer: Answer) -> Answer:
        """Return an answer with the time of the simulator, unless that is the time of the machine."""
        if self._time.is_of_the_machine or any(name.lower() == "date" for name, _ in answer.headers):
            return answer
        now = self._time.now().astimezone(dt.UTC)
        return answer.with_header("Date", format_datetime(now, usegmt=True))

    def _arrival(self, request: web.BaseRequest) -> Arrival:
        path, _, query = request.raw_path.partition("?")
        return Arrival(
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            at=self._time.clock.monotonic(),
            now=self._time.now(),
        )


def _url_of(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
