"""The site in a real browser that has no network: it can be read on a telephone, and searched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.sizes import sample, sized

if TYPE_CHECKING:
    from tests.render.page.chromium import Chromium

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("index", "install", "how-to/errors", "reference/limits", "search")
LOOKS: dict[str, dict[str, Any]] = {"light": {}, "mobile-dark": {"width": 390, "dark": True}}
VISITS = [(page, look) for page in PAGES for look in LOOKS]
ALL = sorted(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md"))
READY = "article"


@pytest.mark.parametrize(("page", "look"), sized(VISITS[-1:], VISITS))
def test_a_page_is_quiet_and_accessible(page: str, look: str, site: Path, chromium: Chromium) -> None:
    """No request to another site, no message, and nothing that axe-core objects to."""

    async def check() -> None:
        async with chromium.opened(site / f"{page}.html", ready=READY, **LOOKS[look]) as opened:
            assert opened.messages == []
            assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
            assert await opened.violations() == []

    chromium.run(check())


def test_no_page_scrolls_sideways(site: Path, chromium: Chromium) -> None:
    """On a telephone, nothing is wider than the window; tables and code scroll by themselves."""

    async def wide() -> list[str]:
        found = []
        async with chromium.shown(site / "index.html", ready=READY, width=390) as opened:
            for page in sample(ALL, 2):
                await opened.page.goto((site / f"{page}.html").as_uri())
                if await opened.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    found.append(page)
        return found

    assert chromium.run(wide()) == []


def test_each_theme_has_its_pictures(site: Path, chromium: Chromium) -> None:
    """A picture is shown once, drawn for the theme of the system."""

    async def shown(*, dark: bool) -> list[str]:
        async with chromium.shown(site / "how-to" / "pictures.html", ready=READY, dark=dark) as opened:
            names: list[str] = await opened.page.evaluate(
                "[...document.querySelectorAll('article img')]"
                ".filter((each) => getComputedStyle(each).display !== 'none')"
                ".map((each) => each.src.split('/').pop())"
            )
            return names

    light, dark = chromium.run(shown(dark=False)), chromium.run(shown(dark=True))
    assert light == ["calendar.png", "week.png", "trend.png", "compare.png"]
    assert dark == [name.replace(".png", "-dark.png") for name in light]


def test_a_copied_command_has_no_prompt(site: Path, chromium: Chromium) -> None:
    """The button beside a block copies what is to be typed."""

    async def copied() -> str:
        async with chromium.shown(site / "install.html", ready="button.copybtn") as opened:
            await opened.page.evaluate(
                "addEventListener('copy', (event) => { window.copied = event.target.value; })"
            )
            await opened.page.locator("button.copybtn").first.click(force=True)
            text: str = await opened.page.evaluate("window.copied")
            return text

    assert chromium.run(copied()).splitlines()[1] == "pip install '.[cli]'"


# -- the search -----------------------------------------------------------------------------------------


def test_the_search_page_finds_429(site: Path, chromium: Chromium) -> None:
    """The first result is the heading of the FAQ, and its link leads there."""

    async def first() -> str:
        address = "#search-results li a"
        async with chromium.shown(site / "search.html", query="?q=429", ready=address) as opened:
            href = await opened.page.locator(address).first.get_attribute("href")
            return str(href)

    assert chromium.run(first()) == (
        "how-to/faq.html#too-many-requests-rate-limit-exceeded-too-many-requests"
    )


def messages() -> list[str]:
    """Return what the headings of the FAQ quote: messages of ours, of the server and of libraries."""
    page = (DOCS / "how-to" / "faq.md").read_text("utf-8")
    headings = "\n".join(re.findall(r"^### (.*)$", page, re.MULTILINE))
    return [quoted or literal for quoted, literal in re.findall(r'"([^"\n]{3,})"|`([^`\n]{3,})`', headings)]


PASTED = {
    "RateLimitedError: the server rejects further requests and asks to wait 3600 s": "faq",
    "TransportError: cannot resolve vivoldi.com: Name or service not known": "faq",
    "sqlite3.OperationalError: database is locked": "faq",
    "exit code 13": "faq",
    "HourlySeries": "values",
}
"""What users paste or type, and the page that the first result is on."""


SUBJECTS = {
    "429": "how-to/faq",
    "Too Many Requests": "how-to/faq",
    "timeout": "reference/limits",
    "proxy": "how-to/proxies",
    "retry": "explanation/faults",
    "pandas": "how-to/frames",
    "SIGTERM": "how-to/faq",
    "CORS": "how-to/faq",
    "docker": "how-to/containers",
    "logging": "how-to/logging",
    "postgres": "how-to/postgresql",
    "FastAPI": "how-to/fastapi",
    "aiohttp": "how-to/aiohttp",
    "django": "how-to/django",
    "pytest": "how-to/testing",
    "Excel": "how-to/export",
    "prometheus": "how-to/metrics",
    "jupyter": "how-to/notebook",
}
"""What users look for, and the page that is to come first."""


async def _found(chromium: Chromium, site: Path, asked: list[str]) -> list[list[str]]:
    """Return the pages that the search finds for each question, the first result first."""
    async with chromium.shown(site / "search.html", query="?q=x", ready="#search-results p") as opened:
        found: list[list[str]] = await opened.page.evaluate(
            """(asked) => asked.map((query) =>
                Search._performSearch(...Search._parseQuery(query)).map((each) => each[0]).reverse())""",
            asked,
        )
        return found


def test_the_search_finds_messages(site: Path, chromium: Chromium) -> None:
    """Each message of the FAQ leads to the FAQ first; so does a whole line of an error."""
    asked = [*messages(), *PASTED]
    assert len(asked) > 80
    found = chromium.run(_found(chromium, site, asked))
    wanted = dict.fromkeys(messages(), "faq") | PASTED
    wrong = {
        query: pages[:2]
        for query, pages in zip(asked, found, strict=True)
        if not pages or pages[0].rpartition("/")[2] != wanted[query]
    }
    assert wrong == {}


def test_the_search_finds_subjects(site: Path, chromium: Chromium) -> None:
    """A word of a title leads to its page, before pages that mention it."""
    found = chromium.run(_found(chromium, site, [*SUBJECTS]))
    assert dict(zip(SUBJECTS, (pages[0] for pages in found), strict=True)) == SUBJECTS


def test_the_search_leaves_out_the_figures(site: Path, chromium: Chromium) -> None:
    """The tables of the benchmarks are found by no word that is in them."""
    (found,) = chromium.run(_found(chromium, site, ["airbyte"]))
    assert found != []
    assert "benchmarks/figures" not in found
