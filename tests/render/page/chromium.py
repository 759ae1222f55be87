"""Debian's Chromium for tests, driven by playwright in a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import shutil
import threading
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from playwright.async_api import Browser, Page

T = TypeVar("T")

_PATIENCE = 60
_AXE = "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"
"""Of all that is as it should be, axe-core need not say what it is: that takes a third of its time."""
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_binary() -> str | None:
    """Return the path of the browser; ``None``: there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name)) is not None), None)


class Opened:
    """A page in the browser, and what has come of opening it.

    Args:
        page: the page of playwright.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.messages: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("dialog", lambda dialog: self.messages.append(dialog.message))

    async def violations(self) -> list[str]:
        """Return what axe-core objects to, a line each."""
        await self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
        found = await self.page.evaluate(_AXE)
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    async def text(self, selector: str) -> str:
        """Return the text of the first element of a kind."""
        return await self.page.locator(selector).first.inner_text()


class Chromium:
    """A browser without network.

    Args:
        program: its path.
    """

    def __init__(self, program: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._manager = async_playwright()
        self._browser: Browser = self.run(self._start(program))

    async def _start(self, program: str) -> Browser:
        driver = await self._manager.__aenter__()
        return await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread of the browser."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def close(self) -> None:
        """End the browser and its thread."""
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    async def _stop(self) -> None:
        await self._browser.close()
        await self._manager.__aexit__()

    @asynccontextmanager
    async def opened(
        self,
        path: Path,
        *,
        dark: bool = False,
        width: int = 1200,
        script: bool = True,
        query: str = "",
        ready: str = ".readout",
    ) -> AsyncIterator[Opened]:
        """Open a file, wait until its script is done, and close it in the end.

        Args:
            path: the file.
            dark: whether the system has a dark theme.
            width: the width of the window.
            script: whether scripts run.
            query: what follows the address of the file, such as ``?q=429``.
            ready: the selector of an element that is there when the script is done.
        """
        context = await self._browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            offline=True,
            bypass_csp=False,
        )
        try:
            opened = Opened(await context.new_page())
            await opened.page.goto(path.as_uri() + query)
            if script:
                await opened.page.wait_for_selector(ready, state="attached")
            yield opened
        finally:
            await context.close()
