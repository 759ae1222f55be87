from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import TYPE_CHECKING

import aiohttp
import pytest

from hourlyclicks.simulator import (
    Body,
    Bomb,
    Close,
    Drip,
    Envelope,
    Gzipped,
    Hang,
    Headed,
    Late,
    Oversize,
    Raw,
    Reset,
    Rule,
    Script,
    Simulator,
    Status,
    Truncated,
    Unsized,
    WrongDay,
    faults,
    redirect,
    retry_after,
    run_virtual,
)
from tests.simulator.raw_client import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.simulator import (
        Fault,
        VirtualClock,
    )
    from tests.simulator.raw_client import Exchange


def _with(fault: Fault) -> Simulator:
    return Simulator(limits=(), faults=Script(Rule(fault)))


async def _first(upstream: Simulator) -> None:
    while not upstream.counters.in_service:  # noqa: ASYNC110 - the simulator has no event for it
        await asyncio.sleep(0)


@pytest.fixture
async def good() -> AsyncIterator[Exchange]:
    """The answer without a fault."""
    async with Simulator() as upstream:
        yield await ask(upstream)


async def test_a_connection_breaks_when_told(good: Exchange) -> None:
    """Reset or closed; before the answer, after its headers, or in its body."""
    lengths = {"before": 0, "headers": 0, "body": len(good.body) // 2}
    kinds: tuple[type[Reset | Close], ...] = (Reset, Close)
    for kind, end in zip(kinds, ("reset", "eof"), strict=True):
        for when, length in lengths.items():
            async with _with(kind(when)) as upstream:  # type: ignore[arg-type]  # the keys are the moments
                got = await ask(upstream)
            assert (got.end, len(got.body)) == (end, length)
            assert got.data.startswith(b"HTTP/1.1 200 OK") == (when != "before")
            assert upstream.counters.faults == {kind.__name__: 1}


@pytest.mark.parametrize("when", ["before", "headers", "body"])
async def test_a_server_hangs_until_it_is_shut_down(when: faults.Moment) -> None:
    """A hanging request stays in service, and does not keep the simulator from closing."""
    async with _with(Hang(when)) as upstream:
        asking = asyncio.create_task(ask(upstream))
        await _first(upstream)
        assert not asking.done()
    got = await asking
    assert got.end == "eof"
    assert bool(got.data) == (when != "before")
    assert upstream.counters.in_service == 0


async def test_a_client_that_leaves_ends_its_request() -> None:
    """A request is in service until its client has gone."""
    async with _with(Hang()) as upstream:
        got = await ask(upstream, patience=0.01)
        assert (got.end, got.data) == ("open", b"")
        while upstream.counters.in_service:  # noqa: ASYNC110 - the simulator has no event for it
            await asyncio.sleep(0)


def test_an_answer_drips_byte_by_byte() -> None:
    """One byte per second: a thousand bytes take a thousand seconds."""

    async def main(clock: VirtualClock) -> float:
        async with Simulator(clock=clock, faults=Script(Rule(Drip()))) as upstream:
            got = await ask(upstream, patience=1e6)
        assert json.loads(got.body)["code"] == 0
        return clock.monotonic() / 1e9 - len(got.data)

    assert abs(run_virtual(main)) < 1


async def test_a_drip_ends_with_the_simulator() -> None:
    """A dripping answer ends when the simulator is closed."""
    async with _with(Drip(0.000_01)) as upstream:
        asking = asyncio.create_task(ask(upstream))
        await _first(upstream)
    assert (await asking).end == "eof"


def test_a_late_answer_is_a_good_one() -> None:
    """It comes after its time, complete."""

    async def main(clock: VirtualClock) -> int:
        async with Simulator(clock=clock, faults=Script(Rule(Late(5)))) as upstream:
            assert (await ask(upstream, patience=1e6)).status == 200
        return clock.monotonic()

    assert run_virtual(main) >= 5_000_000_000


async def test_a_body_is_cut(good: Exchange) -> None:
    """With a wrong length, without a length, and within its compression."""
    half = good.body[: len(good.body) // 2]
    async with _with(Truncated("length")) as upstream:
        got = await ask(upstream)
    assert got.body == half
    assert f"Content-Length: {len(good.body)}" in got.head
    async with _with(Truncated("close")) as upstream:
        got = await ask(upstream)
    assert got.body == half
    assert "Content-Length" not in got.head
    async with _with(Truncated("gzip")) as upstream:
        got = await ask(upstream)
    assert "Content-Encoding: gzip" in got.head
    assert f"Content-Length: {len(got.body)}" in got.head
    unpacked = zlib.decompressobj(wbits=31).decompress(got.body)
    assert 0 < len(unpacked) < len(good.body)
    assert good.body.startswith(unpacked)


async def test_some_faults_are_none(good: Exchange) -> None:
    """Compressed, without a length, with more headers, with blanks: the answer is the same."""
    for fault in (Gzipped(), Unsized(), Headed((("Set-Cookie", "a=b"),)), Oversize(1 << 21)):
        async with _with(fault) as upstream:
            got = await ask(upstream)
        body = gzip.decompress(got.body) if isinstance(fault, Gzipped) else got.body
        assert body.strip() == good.body
        assert ("Set-Cookie: a=b" in got.head) == isinstance(fault, Headed)
        assert (len(body) == 1 << 21) == isinstance(fault, Oversize)


async def test_a_bomb_is_small_until_it_is_unpacked() -> None:
    """A few kilobytes decompress to mebibytes."""
    async with _with(Bomb(4)) as upstream:
        got = await ask(upstream)
    assert len(got.body) < 10_000
    assert len(gzip.decompress(got.body)) == 4 << 20


@pytest.mark.parametrize(
    "status", [301, 400, 401, 403, 404, 408, 418, 422, 429, 500, 501, 502, 503, 504, 505]
)
async def test_any_status_can_be_had(status: int) -> None:
    """The status is sent with a page, and counted."""
    async with _with(Status(status)) as upstream:
        got = await ask(upstream)
    assert (got.status, got.body[:6]) == (status, b"<html>")
    assert upstream.counters.statuses == {status: 1}
    assert upstream.counters.over_limit == 0


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_none(status: int) -> None:
    """204 and 304 are well formed."""
    async with _with(Status(status, body=b"")) as upstream:
        got = await ask(upstream)
    assert (got.status, got.body) == (status, b"")


async def test_redirects_and_429s_have_their_header() -> None:
    """``Location`` and ``Retry-After`` are sent as given, valid or not."""
    async with _with(redirect("https://elsewhere.example/")) as upstream:
        assert "Location: https://elsewhere.example/" in (await ask(upstream)).head
    for value in ("7", "0", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999"):
        async with _with(retry_after(value)) as upstream:
            got = await ask(upstream)
        assert (got.status, f"Retry-After: {value}" in got.head) == (429, True)


@pytest.mark.parametrize(
    "fault", [faults.GARBAGE, faults.HTML, faults.NOTHING, faults.nested(1000), Body(b"null", "")]
)
async def test_other_bytes_come_with_status_200(fault: Body) -> None:
    """Garbage, a page, nothing and brackets arrive as they are."""
    async with _with(fault) as upstream:
        got = await ask(upstream)
    assert (got.status, got.body) == (200, fault.body)
    assert f"Content-Type: {fault.content_type}" in got.head or not fault.content_type


async def test_an_envelope_is_changed_key_by_key(good: Exchange) -> None:
    """Changed and missing keys, the rest as it is."""
    whole = json.loads(good.body)
    async with _with(Envelope({"result": None, "code": 7})) as upstream:
        assert json.loads((await ask(upstream)).body) == {**whole, "result": None, "code": 7}
    async with _with(Envelope(without=("result",))) as upstream:
        assert json.loads((await ask(upstream)).body) == {"code": 0, "message": "success"}
    async with _with(Envelope({"code": 1})) as upstream:
        got = await ask(upstream, headers={"Authorization": "APIKey wrong"})
    assert (got.status, json.loads(got.body)) == (401, {"code": 1})


async def test_days_are_wrong_or_mixed() -> None:
    """All rows of another day, or all but the first two."""
    async with _with(WrongDay()) as upstream:
        rows = json.loads((await ask(upstream)).body)["result"]
    assert {row["ymd"] for row in rows} == {"2025-04-04"}
    async with _with(WrongDay(-1, first=2)) as upstream:
        rows = json.loads((await ask(upstream)).body)["result"]
    assert [row["ymd"] for row in rows[:4]] == ["2025-04-03"] * 2 + ["2025-04-02"] * 2


RAWS = [
    faults.BAD_STATUS_LINE,
    faults.BAD_CHUNK,
    faults.BAD_HEADER,
    faults.HUGE_HEADER,
    faults.DOUBLE_LENGTH,
    faults.NOT_GZIP,
    Raw(b"\x00\x01 not HTTP \xff\r\n\r\n"),
]


@pytest.mark.parametrize("fault", RAWS)
async def test_raw_bytes_go_out_untouched(fault: Raw) -> None:
    """What is no HTTP is sent as it is, and counted under no status."""
    async with _with(fault) as upstream:
        got = await ask(upstream)
    assert (got.data, got.end) == (fault.data, "eof")
    assert not upstream.counters.statuses


@pytest.mark.parametrize("fault", RAWS)
async def test_raw_bytes_are_no_answer_to_an_http_client(fault: Raw) -> None:
    """A real client reports an error."""
    async with _with(fault) as upstream, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"APIKey {upstream.key}", "User-Agent": "acme/1"}
        url = f"{upstream.url}/api/statistics/v2/clicks-by-hour?ymd=2025-04-03"
        with pytest.raises(aiohttp.ClientError):
            async with session.get(url, headers=headers) as response:
                await response.read()


async def test_raw_bytes_may_end_in_a_reset() -> None:
    """What was sent before a reset is read before it."""
    async with _with(Raw(b"HTTP/1.1 200", "reset")) as upstream:
        got = await ask(upstream)
    assert (got.data, got.end) == (b"HTTP/1.1 200", "reset")
