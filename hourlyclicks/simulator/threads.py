"""A simulator in a thread of its own, for code that is synchronous or has another event loop.

Theory. A server in the event loop of a test answers only while that loop runs. A synchronous test client, a
browser under the control of the test, or a blocking call of the application stops it, and then waits for an
answer for ever. So the server gets a loop of its own, in a thread of its own. It shares nothing with the
test but the `Simulator`: attributes that the test may set are read once for each request, and everything
that the test reads is replaced or added to in single steps.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from hourlyclicks.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

_Server = TypeVar("_Server", bound="AbstractAsyncContextManager[object]")


class InThread(Generic[_Server]):
    """A server that runs in a thread inside ``with``; made by `Simulator.in_thread`.

    Args:
        server: the server.
    """

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._thread: threading.Thread | None = None

    def __enter__(self) -> _Server:
        """Start to listen, and return the server.

        Raises:
            UsageError: it is running already.
            OSError: the address cannot be listened on.
        """
        if self._thread is not None:
            raise UsageError("this simulator is running already")
        self._started: Future[None] = Future()
        self._end: Future[None] = Future()
        thread = threading.Thread(target=self._run, name="hourlyclicks-simulator", daemon=True)
        thread.start()
        try:
            self._started.result()
        except BaseException:
            self._end.set_result(None)
            thread.join()
            raise
        self._thread = thread
        return self._server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections, stop listening, and end the thread."""
        thread, self._thread = self._thread, None
        self._end.set_result(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        """Serve until the end; what prevents the start is raised in the other thread."""
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        async with self._server:
            self._started.set_result(None)
            await asyncio.wrap_future(self._end)
