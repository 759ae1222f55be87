"""The API key is a secret: a canary key is looked for in all output of the package."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import io
import logging
import pickle
import sqlite3
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from hourlyclicks import Client, HourlyClicksError, Limits, Link, RetryPolicy, Timeout, UsageError
from hourlyclicks.errors import IncompleteSeriesError, StoreError
from hourlyclicks.simulator import (
    Body,
    Close,
    Envelope,
    Hang,
    Oversize,
    Raw,
    Reset,
    Rule,
    Script,
    Simulator,
    Status,
    Truncated,
    WrongDay,
    redirect,
    retry_after,
    run_virtual,
)
from hourlyclicks.simulator.faults import BAD_STATUS_LINE, GARBAGE, HTML, HUGE_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.simulator import Fault, VirtualClock

KEY = "canary-7d/1f+e0=9&ab<31>c5"
SPELLINGS = (KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(), KEY[:12])
LINK = Link("kYdr", "https://vvd.bz")
ECHO = f"bad key APIKey {KEY} and {quote(KEY, safe='')}".encode()

FAULTS: dict[str, Fault] = {
    "reset": Reset(),
    "reset in the body": Reset("body"),
    "closed": Close(),
    "hanging": Hang(),
    "no HTTP": BAD_STATUS_LINE,
    "a huge header": HUGE_HEADER,
    "the key as a header line": Raw(b"HTTP/1.1 200 OK\r\n" + ECHO + b"\r\n\r\n"),
    "401 with an echo": Status(401, body=ECHO),
    "403 with an echo": Status(403, body=b" " * 180 + ECHO),
    "404 with an echo": Status(404, body=b'{"code": 7, "message": "' + ECHO + b'"}'),
    "500 with an echo": Status(500, body=ECHO),
    "501 with an echo": Status(501, body=ECHO),
    "429 for long": retry_after("86400"),
    "a redirect with an echo": redirect(f"https://elsewhere.example/?key={quote(KEY, safe='')}"),
    "an error code with an echo": Envelope({"code": 5, "message": ECHO.decode()}),
    "garbage": GARBAGE,
    "HTML": HTML,
    "an echo that is no JSON": Body(ECHO),
    "an echo in the rows": Envelope({"result": [{"ymd": KEY, "hour": KEY, "acesCnt": KEY, "pernCnt": 1}]}),
    "another day": WrongDay(),
    "truncated": Truncated(),
    "too large": Oversize(),
}


def holds_key(text: str | bytes) -> bool:
    """Return whether a text holds the key or a good part of it, in any spelling."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    return any(spelling.encode() in raw for spelling in SPELLINGS)


def views(thing: object) -> dict[str, str | bytes]:
    """Return all texts that a thing shows of itself."""
    return {"repr": repr(thing), "str": str(thing), "format": f"{thing}"}


def views_of_error(error: BaseException) -> dict[str, str | bytes]:
    """Return all that an error shows: itself, its parts, its pickle, its traceback with locals."""
    out = views(error)
    out["args"] = repr(error.args)
    out["state"] = repr(vars(error))
    out["pickle"] = pickle.dumps(error)
    out["copy"] = repr(vars(copy.copy(error)))
    report = io.StringIO()
    traceback.TracebackException.from_exception(error, capture_locals=True).print(file=report)
    out["traceback"] = report.getvalue()
    for link in (error.__cause__, error.__context__):
        if link is not None:
            out[f"{type(link).__name__} behind it"] = repr(link) + repr(link.args)
    return out


def findings(shown: dict[str, str | bytes]) -> list[str]:
    """Return where the key was found."""
    return [f"{place}: {text!r}" for place, text in shown.items() if holds_key(text)]


def test_the_search_can_succeed() -> None:
    """The search finds a key in clear, encoded, or cut."""
    for text in (f"x{KEY}", quote(KEY, safe=""), KEY[:15], base64.b64encode(KEY.encode())):
        assert holds_key(text)
    assert findings(views_of_error(ValueError(KEY)))


@pytest.mark.parametrize("name", FAULTS)
async def test_no_failure_shows_the_key(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """After any failure and any echo of the server, the key is in no error, log line or event."""
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    upstream = Simulator(
        keys={KEY: "enterprise"}, faults=Script(Rule(FAULTS[name])), limits=(), concurrency=0
    )
    async with upstream:
        client = Client(
            KEY,
            base_url=upstream.url,
            limits=Limits(concurrency=2),
            timeout=Timeout(total=0.2, connect=0.2, read=0.1),
            retry=RetryPolicy(attempts=2, base=0),
            on_event=events.append,
        )
        async with client:
            assert not findings(views(client))
            with pytest.raises(HourlyClicksError) as caught:
                await fetch_in_a_frame_of_ours(client)
            tasks = "".join(map(repr, asyncio.all_tasks()))
    errors: list[BaseException] = [caught.value]
    if isinstance(caught.value, IncompleteSeriesError):
        errors += caught.value.failures.values()
    for error in errors:
        assert not findings(views_of_error(error))
    assert not findings({"events": "".join(map(repr, events)), "log": caplog.text, "tasks": tasks})
    assert not findings({"records": "".join(repr(vars(record)) for record in caplog.records)})
    assert events


async def fetch_in_a_frame_of_ours(client: Client) -> None:
    """Fetch without the key in the locals of the caller."""
    await client.fetch("2024-03-01", "2024-03-02", LINK)


@pytest.mark.parametrize(
    "arguments",
    [
        {"base_url": "http://example.com"},
        {"base_url": "https://somebody:secret@example.com"},
        {"user_agent": "\r\n"},
        {"timezone": "Nowhere/Nothing"},
        {"limits": "many"},
    ],
)
def test_no_wrong_argument_shows_the_key(arguments: dict[str, Any]) -> None:
    """The error of a client that cannot be made does not show the key."""
    with pytest.raises(UsageError) as caught:
        make(lambda: KEY, arguments)
    shown = views_of_error(caught.value)
    assert not findings({place: text for place, text in shown.items() if place != "traceback"})
    frames = shown["traceback"]
    assert isinstance(frames, str)
    ours = frames[frames.index("client.py") :]  # what the frames of the caller hold is the caller's own
    assert not findings({"traceback": ours})


@pytest.mark.parametrize("damage", ["\nx", " x", "é", '"', "\x00"])
def test_a_malformed_key_is_not_shown(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A malformed key, with a line end for example, is an error without a quotation."""
    if damage == "\x00":
        with pytest.raises(UsageError) as caught:
            make(lambda: KEY + damage, {})
    else:
        monkeypatch.setenv("HOURLYCLICKS_API_KEY", KEY + damage)
        with pytest.raises(UsageError) as caught:
            Client()
    shown = views_of_error(caught.value)
    frames = shown.pop("traceback")
    assert isinstance(frames, str)
    assert not findings({**shown, "traceback": frames[frames.index("client.py") :]})


def make(key: Callable[[], str], arguments: dict[str, Any]) -> Client:
    """Make a client without the key in the locals here."""
    return Client(key(), **arguments)


async def test_the_key_goes_out_as_one_header_and_nothing_else() -> None:
    """On the wire the key is only in the Authorization header."""
    async with Simulator(keys={KEY: "enterprise"}) as upstream:
        async with Client(KEY, base_url=upstream.url, limits=Limits()) as client:
            await client.day("2024-03-01", LINK)
        arrival = upstream.seen[-1]
    assert arrival.headers["Authorization"] == f"APIKey {KEY}"
    others = {name: value for name, value in arrival.headers.items() if name != "Authorization"}
    assert not findings({"url": arrival.path + arrival.query, "headers": repr(others)})


def test_a_series_holds_no_key() -> None:
    """No export, pickle or text of a series has the key."""

    async def fetch() -> Any:  # noqa: ANN401 - the series
        upstream = Simulator(keys={KEY: "enterprise"})
        async with upstream, Client(KEY, base_url=upstream.url, limits=Limits()) as client:
            return await client.fetch("2024-03-01", "2024-03-03", LINK)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        series = runner.run(fetch())
    csv, jsonl = io.StringIO(), io.StringIO()
    series.write_csv(csv)
    series.write_jsonl(jsonl)
    exports: dict[str, str | bytes] = {"csv": csv.getvalue(), "jsonl": jsonl.getvalue()}
    assert not findings(views(series) | exports | {"pickle": pickle.dumps(series)})


def backfill_with_trouble(path: Path, events: list[Event]) -> Any:  # noqa: ANN401 - the report and an error
    """Backfill a month, with answers that repeat the key; then again with a store that fails."""
    faults = Script(
        Rule(Status(404, body=ECHO), number={2}),
        Rule(Status(500, body=ECHO), number={3}),
        Rule(retry_after("5"), number={5}),
        Rule(Envelope({"code": 5, "message": ECHO.decode()}), number={7}),
    )
    upstream = Simulator(keys={KEY: "enterprise"}, faults=faults, limits=(), concurrency=0)

    async def main(clock: VirtualClock) -> tuple[object, StoreError]:
        options: dict[str, Any] = {"clock": clock, "retry": RetryPolicy(attempts=1), "store": path}
        client = Client(KEY, transport=upstream.transport(clock), on_event=events.append, **options)
        async with client:
            report = await client.backfill("2024-03-01", "2024-03-31", [LINK])
            with sqlite3.connect(path) as db:
                db.execute("UPDATE pacing SET state = '{}'")
            db.close()
            with pytest.raises(StoreError) as caught:
                await client.day("2024-04-01", LINK)
        return report, caught.value

    return run_virtual(main)


def contents(folder: Path) -> dict[str, str | bytes]:
    """Return what is in the files of a folder."""
    return {str(file): file.read_bytes() for file in sorted(folder.iterdir())}


def test_a_store_holds_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The key is in no byte of a store, nor in any report, event, log or error of a backfill."""
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    path = tmp_path / "clicks.db"
    report, error = backfill_with_trouble(path, events)
    files = contents(tmp_path)
    assert len(files[str(path)]) > 1000
    assert not findings(files)
    assert not findings(views(report) | {"failures": repr(report.failures), "pickle": pickle.dumps(report)})
    assert not findings({"events": repr(events), "log": caplog.text})
    shown = views_of_error(error)
    shown.pop("traceback")  # the frames of the caller hold the key
    assert not findings(shown)


async def test_a_store_holds_no_key_while_it_is_open(tmp_path: Path) -> None:
    """Its log has no key either, and two stores have different names for an account."""
    names = []
    for file in ("a.db", "b.db"):
        upstream = Simulator(keys={KEY: "enterprise"}, limits=(), concurrency=0)
        async with upstream:
            client = Client(KEY, base_url=upstream.url, limits=Limits(), store=tmp_path / file)
            async with client:
                await client.fetch("2024-03-01", "2024-03-03", LINK)
                found = contents(tmp_path)
                assert any(name.endswith("-wal") and content for name, content in found.items())
                assert not findings(found)
        with contextlib.closing(sqlite3.connect(tmp_path / file)) as db:
            names += db.execute("SELECT fingerprint FROM accounts").fetchall()
            (state,) = db.execute("SELECT state FROM pacing").fetchone()
            assert not findings({"pace": state})
    assert len(set(names)) == 2
