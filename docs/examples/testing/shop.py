"""An application with one page and one answer in JSON, both from one client."""

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from hourlyclicks import ApiError, Client, Link


def make_app(make_client=Client):
    """Make the application; tests pass another function that makes the client."""

    @asynccontextmanager
    async def lifespan(app):
        async with make_client() as client:
            yield {"clicks": client}

    app = FastAPI(lifespan=lifespan)

    @app.get("/links/{link_id}/{day}")
    async def peak(request: Request, link_id: str, day: str):
        try:
            figures = await request.state.clicks.day(
                day, Link(link_id, "https://vvd.bz")
            )
        except ApiError as error:
            raise HTTPException(
                404 if error.status == 404 else 502, str(error)
            ) from error
        clicks = [clicks or 0 for clicks in figures.clicks]
        return {"hour": clicks.index(max(clicks)), "clicks": max(clicks)}

    @app.get("/", response_class=HTMLResponse)
    async def page():
        return PAGE

    return app


PAGE = """<!doctype html>
<title>Peak</title>
<button onclick="show()">Show</button> <output></output>
<script>
async function show() {
    const answer = await fetch("/links/kYdr/2025-04-01");
    const peak = await answer.json();
    const shown = document.querySelector("output");
    shown.textContent = `${peak.clicks} clicks at ${peak.hour}:00`;
}
</script>
"""
