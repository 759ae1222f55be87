"""The tuned aiohttp loop with msgspec, which checks the types of the rows as it decodes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct
from msgspec.json import Decoder

from benchmarks.peers.slices import HOURS
from benchmarks.peers.tuned import fetch_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Arrays, Row


class Hour(Struct, gc=False):
    """A row as the API writes it."""

    ymd: str
    hour: Annotated[int, Meta(ge=0, lt=HOURS)]
    acesCnt: int  # noqa: N815 - the API's name
    pernCnt: int  # noqa: N815 - likewise


class Answer(Struct, gc=False):
    """An answer as the API writes it."""

    code: int
    message: str
    result: list[Hour]


_read = Decoder(Answer).decode


def take(merged: Arrays, place: int, ymd: str, body: bytes) -> None:
    """Check the answer for a day, and put it into its place."""
    answer = _read(body)
    first, clicks, users = place * HOURS, merged.clicks, merged.users
    if answer.code != 0:
        raise RuntimeError(answer.message)
    for row in answer.result:
        if row.ymd != ymd:
            raise RuntimeError(f"asked for {ymd}, got {row.ymd}")
        hour = first + row.hour
        clicks[hour] = row.acesCnt
        users[hour] = row.pernCnt


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    return asyncio.run(fetch_all(base, days, concurrency, take)).rows()
