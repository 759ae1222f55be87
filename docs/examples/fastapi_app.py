"""A service that shows click statistics, with one client for all of its requests.

pip install 'hourlyclicks[speedups]' fastapi uvicorn prometheus-client
HOURLYCLICKS_API_KEY=… CLICKS_LINKS=kYdr,talk python fastapi_app.py
"""

import asyncio
import contextlib
import datetime as dt
import logging
import math
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from types import FrameType
from typing import Annotated, Any, TypeVar

import uvicorn
from clicks_metrics import ClicksMetrics, ClientCollector
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from hourlyclicks import (
    ApiError,
    Client,
    HourlyClicksError,
    IncompleteSeriesError,
    Link,
    PlanError,
    RateLimitedError,
    UsageError,
)
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

T = TypeVar("T")

DOMAIN = "https://vvd.bz"
LONGEST_WAIT = 30.0
"""Seconds for which a browser may be kept waiting for the rate limit."""

PAUSE = 3600.0
"""Seconds between two runs that bring the store up to date."""

log = logging.getLogger("dashboard")


# -- the client: one for the service, as long as it runs -------------------------------


def new_client(metrics: ClicksMetrics) -> Client:
    """Return the client of the service; a test replaces this function."""
    return Client(
        base_url=os.environ.get("CLICKS_URL", "https://vivoldi.com"),
        store=os.environ.get("CLICKS_STORE", "clicks.db"),
        user_agent="dashboard/1",
        on_event=metrics,
    )


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the client when the service starts, and close it when it ends."""
    app.state.registry = CollectorRegistry()
    async with new_client(ClicksMetrics(app.state.registry)) as client:
        app.state.registry.register(ClientCollector(client))
        app.state.client = client
        app.state.loop = asyncio.get_running_loop()
        links = [
            Link(each, DOMAIN)
            for each in os.environ.get("CLICKS_LINKS", "").split(",")
            if each
        ]
        syncing = asyncio.create_task(keep_up_to_date(client, links))
        yield
        syncing.cancel()


async def keep_up_to_date(client: Client, links: list[Link]) -> None:
    """Bring the store up to date once an hour; requests of browsers go first."""
    while links:
        try:
            await client.sync(links)
        except HourlyClicksError as error:  # a rejected key, a full disk, the end
            log.warning("the run ended early, the next one continues: %s", error)
        await asyncio.sleep(PAUSE)


def the_client(request: Request) -> Client:
    """Return the client, for the handlers."""
    client: Client = request.app.state.client
    return client


app = FastAPI(lifespan=lifespan)
TheClient = Annotated[Client, Depends(the_client)]


# -- until the browser leaves ----------------------------------------------------------


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await a call of the client, and cancel it if the browser leaves before.

    Nothing more is sent for a call that is cancelled. A request in flight is completed,
    and its answer is in the store for the next browser.
    """
    call, leaving = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait((call, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            raise HTTPException(499, "the browser has left")
        return call.result()
    finally:
        call.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    """Wait until the browser has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


# -- the pages -------------------------------------------------------------------------


@app.get("/clicks/{link}")
async def clicks(
    request: Request, client: TheClient, link: str, start: dt.date, end: dt.date
) -> dict[str, Any]:
    """Return the clicks of each day; fetch those that are not in the store."""
    call = client.fetch(start, end, Link(link, DOMAIN), wait=LONGEST_WAIT)
    series = await while_connected(request, call)
    return {"days": {str(day.date): day.total_clicks for day in series.days()}}


@app.get("/healthz")
async def healthz(client: TheClient) -> JSONResponse:
    """Tell whether the service can fetch, and what it is doing."""
    state = client.state()
    return JSONResponse(state.as_dict(), status_code=200 if state.usable else 503)


@app.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the metrics for Prometheus."""
    return Response(
        generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST
    )


# -- errors ----------------------------------------------------------------------------


def status_of(error: HourlyClicksError) -> int:
    """Return the HTTP status by which a browser is told of an error."""
    if isinstance(error, UsageError):
        return (
            503 if error.fatal else 422
        )  # the client is closed; or a wrong link or date in the address
    if isinstance(error, ApiError) and error.code is not None:
        return 404  # the API itself does not know the link, or rejects the day
    if isinstance(error, PlanError):
        return 501
    if isinstance(error, RateLimitedError):
        return 503
    return 502  # the key, the network, the server, the store: the log tells


@app.exception_handler(HourlyClicksError)
async def failed(_request: Request, error: HourlyClicksError) -> JSONResponse:
    """Answer with the status of an error, and with when to try again."""
    if isinstance(error, IncompleteSeriesError):
        error = next(iter(error.failures.values()))  # why the first day is missing
    wait = getattr(error, "retry_after", None)
    headers = {} if wait is None else {"Retry-After": str(math.ceil(wait))}
    return JSONResponse(
        {"error": str(error)}, status_code=status_of(error), headers=headers
    )


# -- the end ---------------------------------------------------------------------------


class Server(uvicorn.Server):
    """Closes the client as soon as the service is told to stop.

    uvicorn waits for all browsers before it ends the lifespan, and they would wait for
    the rate limit. Closing the client ends their calls: each browser gets HTTP 503. The
    answers of requests in flight are stored.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        super().handle_exit(sig, frame)
        if hasattr(app.state, "client"):
            asyncio.run_coroutine_threadsafe(app.state.client.close(), app.state.loop)


def main(port: int = 8000) -> None:
    """Serve until SIGTERM or Ctrl-C, and end with exit code 0."""
    # uvicorn raises the signal again in the end, which would become the exit code.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with contextlib.suppress(KeyboardInterrupt):
        Server(uvicorn.Config(app, port=port)).run()


if __name__ == "__main__":
    main()
