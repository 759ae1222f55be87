"""A run whose environment disappears after its first answer: nothing can be imported any more.

As a program it causes failures of every kind, and prints as JSON what was imported in vain.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import aiohttp

from hourlyclicks import Client, HourlyClicksError, Limits, Link, RetryPolicy, Timeout
from hourlyclicks.simulator.clock import run_virtual
from tests.transport.raw_server import EMPTY_DAY, OK, RawServer, Sign, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.simulator.clock import VirtualClock
    from tests.transport.raw_server import Script

KEY = "canary-0123456789abcdef"
LINK = Link("kYdr", "https://vvd.bz")
ROWS = b'{"code": 0, "more": 1, "result": [{"ymd": "%b", "hour": %b, "acesCnt": 5, "pernCnt": 1}]}'


def script_of(status: int) -> Script:
    """Return the script of an answer with an error."""
    return [answer(b"", status=f"{status} Sorry")]


SCRIPTS: list[Script] = [
    [Sign.CLOSE],
    [Sign.RESET],
    [Sign.HANG],
    [answer(b"[", length=9), Sign.HANG],
    [b"SSH-2.0-OpenSSH_9.6\r\n"],
    [answer(EMPTY_DAY, f"X-A: {'a' * 9000}")],
    [answer(EMPTY_DAY, "Content-Encoding: gzip")],
    [answer(EMPTY_DAY, "Content-Encoding: br")],
    [answer(b"<html>")],
    [answer("{“".encode("utf-16"))],
    [answer(b"[" * 100_000)],
    [answer(b'{"code": NaN}')],
    [answer(bytes(2 << 20))],
    [answer(ROWS % (b"1999-01-01", b'"07"'))],
    [answer(ROWS % (b"2025-04-01", b"25"))],
    [answer(b'{"code": 7, "message": "no"}')],
    *map(script_of, (204, 400, 404, 407, 408, 425, 500, 501, 502, 503)),
    [answer(b"", "Location: /elsewhere", status="302 Found")],
    [answer(b"", "Retry-After: 0.01", status="429 Slow down")],
    [answer(b"", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", status="503 Busy")],
    [answer(b"", "Retry-After: 100000", status="429 Slow down")],
    [answer(b"", status="403 Forbidden")],
    [answer(b"", status="401 Unauthorized")],
]


class Gone:
    """Finds no module.

    Attributes:
        wanted: those that were looked for.
    """

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> NoReturn:
        """Find nothing."""
        self.wanted.append(name)
        raise ModuleNotFoundError(name, name=name)


async def try_all(url: str, **options: Any) -> list[str]:  # noqa: ANN401 - those of a client
    """Fetch and backfill with a client until it is unusable; return the exceptions that must not occur."""
    wrong = []
    limits, retry = Limits(concurrency=1), RetryPolicy(attempts=2, base=0, budget=99)
    given: dict[str, Any] = {"limits": limits, "retry": retry, "timeout": Timeout(total=0.05)} | options
    async with Client(KEY, base_url=url, **given) as client:
        for call in (
            lambda: client.fetch("2025-04-01", "2025-04-03", LINK),
            lambda: client.day("2025-04-01", LINK, refresh=True),
            lambda: client.backfill("2025-04-01", "2025-04-03", [LINK], refresh=True),
            lambda: client.backfill("2025-04-01", "2025-04-03", each(LINK), max_requests=1),
            lambda: client.sync([LINK], max_requests=1),
            lambda: client.daily("2025-04-01", "2025-04-03", LINK),
            lambda: client.audit("2025-04-01", "2025-04-03", LINK),
            lambda: client.estimate("2025-04-01", "2025-04-03", [LINK]),
            lambda: anext(client.links()),
            lambda: anext(client.groups()),
        ):
            try:
                await call()
            except (HourlyClicksError, StopAsyncIteration):
                pass
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                wrong.append(repr(error))
    return wrong


async def each(link: Link) -> AsyncIterator[Link]:
    """Yield a link, as a list of the account does."""
    yield link


async def main(clock: VirtualClock) -> None:
    """Cause all kinds of failure, on virtual time because of the pauses."""
    gone, wrong = Gone(), []
    folder = tempfile.mkdtemp()
    async with RawServer() as server, aiohttp.ClientSession() as session:
        async with Client(KEY, base_url=server.url, store=Path(folder, "a.db"), limits=Limits()) as client:
            await client.day("2025-04-01", LINK)
        sys.meta_path.insert(0, gone)
        for number, script in enumerate(SCRIPTS):
            server.then(script, script, [OK])
            options: dict[str, Any] = {"store": Path(folder, f"{number}.db") if number % 2 else None}
            options |= {"endpoint": "auto"} if number % 3 else {}
            wrong += await try_all(server.url, clock=clock, **options)
            server.then(script)
            wrong += await try_all(server.url, clock=clock, session=session)
            server._scripts.clear()
        for url in ("https://clicks.invalid", f"https://127.0.0.1:{server.port}", "https://127.0.0.1:1"):
            wrong += await try_all(url, clock=clock)
            wrong += await try_all(url, clock=clock, session=session)
        wrong += await try_all("https://127.0.0.1:1", clock=clock, proxy="http://a:b@127.0.0.1:1")
    print(json.dumps({"wanted": gone.wanted, "wrong": wrong}))  # noqa: T201 - its result


if __name__ == "__main__":
    run_virtual(main)
