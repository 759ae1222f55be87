import shutil
import threading
import time

import pytest
import uvicorn
from hourlyclicks import Link
from playwright.sync_api import expect, sync_playwright

from shop import make_app


@pytest.fixture(scope="session")
def site(hourlyclicks_session_simulator):
    """The address of the application, which runs in a thread for all tests."""
    app = make_app(hourlyclicks_session_simulator.client)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    _, port = server.servers[0].sockets[0].getsockname()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser():
    """A browser; it runs an event loop, so asynchronous tests come before or after."""
    with sync_playwright() as playwright:
        # Without a Chromium of the system, this is the one of "playwright install".
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


def test_the_page_shows_the_peak(site, browser, hourlyclicks_session_simulator):
    hourlyclicks_session_simulator.reset()
    hourlyclicks_session_simulator.figures = {
        (Link("kYdr", "https://vvd.bz"), "2025-04-01"): {14: 12}
    }
    page = browser.new_page()
    page.goto(site)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("12 clicks at 14:00")).to_be_visible()
    assert hourlyclicks_session_simulator.counters.requests == 1
