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
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from playwright.async_api import Browser, Page

T = TypeVar("T")

_PATIENCE = 60
_AXE = "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"
"""Of all that is as it should be, axe-core need not say what it is: that takes a third of its time."""
_FORGET = "localStorage.clear(); sessionStorage.clear()"
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
        self._listeners: dict[Any, Callable[[Any], None]] = {
            "request": lambda request: self.requests.append(request.url),
            "console": lambda message: self.messages.append(message.text),
            "pageerror": lambda error: self.messages.append(str(error)),
            "dialog": lambda dialog: self.messages.append(dialog.message),
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def forget(self) -> None:
        """Note nothing more of what comes of the page."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    async def violations(self) -> list[str]:
        """Return what axe-core objects to, a line each."""
        await self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
        found = await self.page.evaluate(_AXE)
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    async def make_room(self) -> None:
        """Make the window as high as the page, which is then drawn once, and not for each screenshot."""
        height = await self.page.evaluate("document.documentElement.scrollHeight")
        width = await self.page.evaluate("innerWidth")
        await self.page.set_viewport_size({"width": width, "height": height})

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
        self._pages: dict[bool, Page] = {}
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
    async def opened(self, path: Path, *, query: str = "", **look: Any) -> AsyncIterator[Opened]:  # noqa: ANN401 - of `_show`
        """Open a file in a page of its own, and wait until its script is done.

        Args:
            path: the file.
            query: what follows the address of the file, such as ``?q=429``.
            look: see `_show`.
        """
        page = await self._new_page(script=look.get("script", True))
        try:
            opened = Opened(page)
            await _show(page, path.as_uri() + query, **look)
            yield opened
        finally:
            await page.context.close()

    @asynccontextmanager
    async def shown(self, path: Path, *, query: str = "", **look: Any) -> AsyncIterator[Opened]:  # noqa: ANN401 - of `_show`
        """Show a file in the page that has shown others: a new page starts three processes, for 0.6 s of CPU.

        Only for files that do nothing more when their script is done: what one still reports would seem to
        come from the next one. One file is shown at a time.

        Args:
            path: the file.
            query: as in `opened`.
            look: see `_show`.
        """
        script: bool = look.get("script", True)
        if script not in self._pages:
            self._pages[script] = await self._new_page(script=script)
        page = self._pages[script]
        opened = Opened(page)
        try:
            await page.mouse.move(0, 0)
            await _show(page, path.as_uri() + query, **look)
            yield opened
            if script:
                await page.evaluate(_FORGET)
        except BaseException:
            await self._pages.pop(script).context.close()  # in whatever state it is
            raise
        finally:
            opened.forget()

    async def _new_page(self, *, script: bool) -> Page:
        context = await self._browser.new_context(java_script_enabled=script, offline=True, bypass_csp=False)
        return await context.new_page()


async def _show(
    page: Page,
    address: str,
    *,
    dark: bool = False,
    width: int = 1200,
    script: bool = True,
    ready: str = ".readout",
) -> None:
    """Go to an address, and wait until the script there is done.

    Args:
        page: the page.
        address: the address.
        dark: whether the system has a dark theme.
        width: the width of the window.
        script: whether scripts run.
        ready: the selector of an element that is there when the script is done.
    """
    await page.set_viewport_size({"width": width, "height": 900})
    await page.emulate_media(media="null", color_scheme="dark" if dark else "light")
    await page.goto(address)
    if script:
        await page.wait_for_selector(ready, state="attached")
