"""A proxy to a PostgreSQL server that breaks where a test wants it to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Proxy:
    """Listens on a port of its own, and passes everything on to the server.

    Args:
        port: the server's port.

    Attributes:
        lost_questions: how many more commits are cut off before the server hears of them.
        lost_answers: how many more are cut off after the server has answered.
        silent: whether nothing is passed on any more, although every connection stays.
        away: whether every connection is cut off, also a new one.
        visits: how many connections were made.
    """

    def __init__(self, port: int) -> None:
        self.lost_questions = 0
        self.lost_answers = 0
        self.silent = False
        self.away = False
        self.visits = 0
        self._upstream = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def port(self) -> int:
        """The port to connect to."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._let_in, "127.0.0.1")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await _a_few_turns()  # accepted connections have a task by now
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await _a_few_turns()  # and all sockets are closed

    def _let_in(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._writers.append(back)
        self.visits += 1
        if self.away:
            back.transport.abort()
            return
        task = asyncio.create_task(self._serve(near, back))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, on = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._writers.append(on)
        answers = asyncio.create_task(self._answer(far, back))
        try:
            while not answers.done() and (asked := await near.read(65536)):
                if not self.silent and not await self._ask(asked, far, on, answers):
                    break
        except OSError:
            pass  # one of the two is gone, and so will be the other
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            for writer in (on, back):
                writer.transport.abort()

    async def _ask(
        self, asked: bytes, far: asyncio.StreamReader, on: asyncio.StreamWriter, answers: asyncio.Task[None]
    ) -> bool:
        """Pass a question on; return whether the connection shall go on."""
        commit = b"COMMIT\0" in asked
        if self.away:
            return False
        if commit and self.lost_questions:
            self.lost_questions -= 1
            return False
        lost = commit and self.lost_answers > 0
        if lost:
            self.lost_answers -= 1
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
        on.write(asked)
        if lost:
            await far.readuntil(b"COMMIT\0")  # the server says it, too, when it is done
        return not lost

    async def _answer(self, far: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while answered := await far.read(65536):
            if not self.silent:
                back.write(answered)
        back.close()


async def _a_few_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
