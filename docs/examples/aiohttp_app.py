"""An aiohttp server that shows click statistics, with one client for all requests.

pip install 'hourlyclicks[speedups]'
HOURLYCLICKS_API_KEY=… python aiohttp_app.py
"""

import math
import os
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler
from hourlyclicks import Client, HourlyClicksError, Link, RateLimitedError, UsageError

CLIENT = web.AppKey("client", Client)
LONGEST_WAIT = 30.0
"""Seconds for which a browser may be kept waiting for the rate limit."""


async def client_of(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the service starts, and close it when it ends."""
    async with Client(
        base_url=os.environ.get("CLICKS_URL", "https://vivoldi.com"),
        store=os.environ.get("CLICKS_STORE", "clicks.db"),
        user_agent="dashboard/1",
    ) as client:
        app[CLIENT] = client
        yield


async def end_calls(app: web.Application) -> None:
    """End the calls that wait, so that the service need not wait for their browsers."""
    await app[CLIENT].close()


async def clicks(request: web.Request) -> web.Response:
    """Return the clicks of each day; fetch those that are not in the store."""
    link = Link(request.match_info["link"], "https://vvd.bz")
    first, last = request.query.get("start", ""), request.query.get("end", "")
    series = await request.app[CLIENT].fetch(first, last, link, wait=LONGEST_WAIT)
    return web.json_response({str(day.date): day.total_clicks for day in series.days()})


async def healthz(request: web.Request) -> web.Response:
    """Tell whether the service can fetch, and what it is doing."""
    state = request.app[CLIENT].state()
    return web.json_response(state.as_dict(), status=200 if state.usable else 503)


@web.middleware
async def with_statuses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with the status of an error, and with when to try again."""
    try:
        return await handler(request)
    except UsageError as error:
        status = (
            503 if error.fatal else 422
        )  # the client is closed; or a wrong link or date
        return web.json_response({"error": str(error)}, status=status)
    except RateLimitedError as error:
        later = (
            {}
            if error.retry_after is None
            else {"Retry-After": str(math.ceil(error.retry_after))}
        )
        return web.json_response({"error": str(error)}, status=503, headers=later)
    except HourlyClicksError as error:
        return web.json_response({"error": str(error)}, status=502)


def new_app() -> web.Application:
    """Return the application."""
    app = web.Application(middlewares=[with_statuses])
    app.cleanup_ctx.append(client_of)
    app.on_shutdown.append(end_calls)
    app.router.add_get("/clicks/{link}", clicks)
    app.router.add_get("/healthz", healthz)
    return app


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8000"))
    web.run_app(new_app(), port=port, handler_cancellation=True)
