"""The page in a real browser that has no network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import write_report
from hourlyclicks.model.scale import scale_end, shade
from hourlyclicks.render.page.english import with_weekday
from hourlyclicks.render.page.palette import DARK, LIGHT
from tests import sizes
from tests.marks import thorough_only
from tests.model.pngs import read
from tests.render.page.samples import HOSTILE, a_year, all_kinds, busiest_account, sample, ten_years

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks import HourlySeries
    from tests.render.page.chromium import Chromium, Opened

LOOKS = {
    "light": {},
    "dark": {"dark": True},
    "mobile": {"width": 390},
    "mobile-dark": {"width": 390, "dark": True},
}
FLAGS = [False, True]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about a year."""
    path: Path = tmp_path_factory.mktemp("year") / "report.html"
    write_report(path, a_year())
    return path


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about several targets."""
    path: Path = tmp_path_factory.mktemp("kinds") / "report.html"
    write_report(path, all_kinds(), title=HOSTILE.id)
    return path


@pytest.fixture(scope="module")
def decade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about ten years."""
    path: Path = tmp_path_factory.mktemp("decade") / "report.html"
    write_report(path, ten_years())
    return path


@pytest.mark.parametrize("look", sizes.sized(["mobile-dark"], list(LOOKS)))
def test_it_is_quiet_and_accessible(look: str, kinds: Path, chromium: Chromium) -> None:
    """No request, no message, nothing that axe-core objects to, and nothing wider than the window."""

    async def check() -> None:
        async with chromium.shown(kinds, **LOOKS[look]) as opened:  # type: ignore[arg-type]  # mixed values of a table
            await opened.page.locator("#t1 summary").click()
            await opened.page.wait_for_selector(".days tbody tr")
            assert await opened.violations() == []
            assert await opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert [url for url in opened.requests if not url.startswith("data:")] == [kinds.as_uri()]
            assert opened.messages == []

    chromium.run(check())


def test_the_name_of_a_target_is_text(kinds: Path, chromium: Chromium) -> None:
    """Markup in it is shown as it is, in the heading, the summary and the title."""

    async def check() -> None:
        async with chromium.shown(kinds) as opened:
            assert await opened.page.title() == HOSTILE.id
            assert await opened.text("#t1 h2") == str(HOSTILE)
            assert await opened.page.locator("table a", has_text=str(HOSTILE)).count() == 1
            assert await opened.page.locator("img").count() == 0
            assert await opened.page.locator(".target").count() == 4

    chromium.run(check())


def said(series: HourlySeries, day: int, hour: int) -> str:
    """Return what the live region says of an hour."""
    date = series.range[day]
    when = f"{with_weekday(date)}, {hour:02}:00"
    if date not in series:
        return f"{when}: not fetched"
    known = series[date]
    later = "" if known.final else " (provisional)"
    clicks, users = known.clicks[hour], known.unique_users[hour]
    if clicks is None:
        return f"{when}: not reported{later}"
    nouns = ("click" if clicks == 1 else "clicks", "unique user" if users == 1 else "unique users")
    return f"{when}: {clicks:,} {nouns[0]}, {users:,} {nouns[1]}{later}"


def test_the_keys_walk_over_the_hours(year: Path, chromium: Chromium) -> None:
    """Each key changes the live region to the hour it leads to; at an edge it stays where it is."""
    walk = [
        ("ArrowRight", 0, 0),  # the first one begins the walk
        ("ArrowLeft", 0, 0),
        ("ArrowDown", 0, 1),
        ("ArrowRight", 1, 1),
        ("PageDown", 31, 1),
        ("PageDown", 61, 1),  # a day that was not fetched
        ("ArrowUp", 61, 0),
        ("ArrowUp", 61, 0),
        ("End", 364, 0),  # a provisional day
        ("ArrowRight", 364, 0),
        ("PageUp", 334, 0),
        ("Home", 0, 0),
    ]

    async def check() -> None:
        async with chromium.shown(year) as opened:
            region = opened.page.locator(".readout")
            assert await region.get_attribute("aria-live") == "polite"
            await opened.page.locator(".every-hour").focus()
            for key, day, hour in walk:
                await opened.page.keyboard.press(key)
                assert await region.inner_text() == said(a_year(), day, hour), key
            assert await opened.page.locator(".cursor").count() == 1
            await opened.page.keyboard.press("Escape")
            assert await opened.page.locator(".cursor").count() == 0
            assert "arrow keys" in await region.inner_text()

    chromium.run(check())


def test_rounded_figures_are_called_so(tmp_path: Path, chromium: Chromium) -> None:
    """Large counts of a very busy account have "about" and few digits, in the region and in the table."""
    path, series = tmp_path / "busy.html", busiest_account()
    write_report(path, series)
    first = series[series.range.start]
    clicks, users = first.clicks[10], first.unique_users[10]
    assert clicks is not None
    assert users is not None

    async def check() -> None:
        async with chromium.shown(path) as opened:
            await opened.page.locator(".every-hour").focus()
            for _ in range(11):
                await opened.page.keyboard.press("ArrowDown")
            region = await opened.text(".readout")
            assert region.endswith(
                f"10:00: about {few(clicks, 3)} clicks, about {few(users, 2)} unique users"
            )
            await opened.page.locator("summary").click()
            row = opened.page.locator(".days tbody tr").first
            assert await row.locator("td").first.inner_text() == f"about {few(first.total_clicks, 3)}"
            assert opened.messages == []

    chromium.run(check())


def few(count: int, digits: int) -> str:
    """Return a count with so many digits, and zeros after them."""
    return f"{int(float(f'{count:.{digits}g}')):,}"


@thorough_only
def test_the_keys_go_from_one_year_to_the_next(decade: Path, chromium: Chromium) -> None:
    """The focus follows, and the live region stands below the picture it speaks of."""

    async def check() -> None:
        async with chromium.shown(decade) as opened:
            await opened.page.locator(".every-hour").first.focus()
            for key in ("End", "End", "ArrowRight"):
                await opened.page.keyboard.press(key)
            assert await opened.text(".readout") == said(ten_years(), 366, 0)
            focused = "document.activeElement.getAttribute('aria-label')"
            assert await opened.page.evaluate(focused) == "Clicks by day and hour, 2017"
            assert (
                await opened.page.evaluate("document.activeElement.nextElementSibling.className") == "readout"
            )

    chromium.run(check())


@pytest.mark.parametrize("width", sizes.sized([390], [1200, 390]))
def test_an_hour_can_be_pointed_at(width: int, year: Path, chromium: Chromium) -> None:
    """The live region speaks of the hour below the pointer."""

    async def check() -> None:
        async with chromium.shown(year, width=width) as opened:
            box = await opened.page.locator(".every-hour image").bounding_box()
            assert box is not None
            for day, hour in ((0, 0), (20, 23), (70, 12)):
                across, down = (day + 0.5) / 365, (hour + 0.5) / 24
                await opened.page.mouse.move(
                    box["x"] + across * box["width"], box["y"] + down * box["height"]
                )
                assert await opened.text(".readout") == said(a_year(), day, hour)

    chromium.run(check())


def test_the_table_of_all_days_has_every_figure(year: Path, chromium: Chromium) -> None:
    """The script reads the same sums from the packed figures."""

    async def check() -> list[list[str]]:
        async with chromium.shown(year) as opened:
            await opened.page.locator("summary").click()
            await opened.page.wait_for_selector(".days tbody tr")
            rows: list[list[str]] = await opened.page.evaluate(
                "[...document.querySelectorAll('.days tbody tr')]"
                ".map((row) => [...row.cells].map((cell) => cell.textContent))"
            )
            return rows

    rows, series = chromium.run(check()), a_year()
    assert [row[0] for row in rows] == [with_weekday(date) for date in series.range]
    fetched = {day.date: day for day in series.days()}
    for date, (_, clicks, hours, _, status) in zip(series.range, rows, strict=True):
        day = fetched.get(date)
        assert status == ("not fetched" if day is None else "final" if day.final else "provisional")
        assert clicks == (f"{day.total_clicks:,}" if day is not None and day.reported_hours else "–")
        assert hours == (f"{day.reported_hours} of 24" if day is not None else "–")


async def colours(opened: Opened, cells: list[tuple[int, int]]) -> list[str]:
    """Return the colours of some hours of a year on the screen."""
    box = await opened.page.locator(".every-hour image").bounding_box()
    assert box is not None
    wide, high = box["width"] / 365, box["height"] / 24
    box["width"] = (max(day for day, _ in cells) + 1) * wide  # no more than is needed: it is read in Python
    shot = read(await opened.page.screenshot(clip=box, full_page=True))
    places = [(int((day + 0.5) * wide), int((hour + 0.5) * high)) for day, hour in cells]
    return ["#" + bytes(shot.rows[y][x][:3]).hex() for x, y in places]


@pytest.mark.parametrize(
    ("dark", "script"),
    sizes.sized([(True, False)], [(dark, script) for dark in FLAGS for script in FLAGS]),
)
def test_every_hour_has_its_shade(dark: bool, script: bool, year: Path, chromium: Chromium) -> None:  # noqa: FBT001 - parametrized
    """In both themes, with and without a script, the picture has the colour of the scale."""
    series = a_year()
    end = scale_end([hour.clicks or 0 for hour in series], [hour.clicks is not None for hour in series])
    cells = [(day, hour) for day in range(20, 50) for hour in range(0, 24, 5)]
    known = [(day, hour, series[series.range[day]].clicks[hour]) for day, hour in cells]
    palette = DARK if dark else LIGHT
    expected = {(day, hour): palette[shade(count, end)] for day, hour, count in known if count is not None}

    async def check() -> list[str]:
        async with chromium.shown(year, dark=dark, script=script) as opened:
            return await colours(opened, list(expected))

    assert chromium.run(check()) == list(expected.values())
    assert len(set(expected.values())) > 4


def test_without_a_script_nothing_is_empty(kinds: Path, chromium: Chromium) -> None:
    """Pictures, charts, legends and tables are there; what needs the script is not, and the page says so."""

    async def check() -> None:
        async with chromium.shown(kinds, script=False) as opened:
            page = opened.page
            assert await page.locator("noscript").is_visible()
            for hidden in ("button", "details"):
                assert not await page.locator(hidden).first.is_visible()
            assert await page.locator(".every-hour image").count() == 4
            assert await page.locator(".legend >> visible=true").count() == 8
            assert await page.locator(".week >> visible=true").count() == 4
            await opened.make_room()
            boxes = page.locator("svg[role=img]")
            for place in range(await boxes.count()):
                box = await boxes.nth(place).bounding_box()
                assert box is not None
                corner = {"x": box["x"] + 30, "y": box["y"] + box["height"] - 60, "width": 60, "height": 40}
                shot = read(await page.screenshot(clip=corner))  # type: ignore[arg-type]  # a FloatRect
                assert len({pixel for row in shot.rows for pixel in row}) > 2
            assert opened.messages == []

    chromium.run(check())


def test_the_theme_can_be_chosen(year: Path, chromium: Chromium) -> None:
    """The button names the other theme, and changes page and picture."""

    async def check() -> None:
        async with chromium.shown(year) as opened:
            ground = (
                "getComputedStyle(document.body).backgroundColor"
                " + getComputedStyle(document.querySelector('.shades')).filter"
            )
            light = await opened.page.evaluate(ground)
            button = opened.page.locator("#theme")
            assert await button.inner_text() == "Dark theme"
            await button.click()
            assert await button.inner_text() == "Light theme"
            dark = await opened.page.evaluate(ground)
            assert ("#light" in light, "#dark" in dark) == (True, True)
            assert await opened.violations() == []
            await button.click()
            assert await opened.page.evaluate(ground) == light

    chromium.run(check())


@thorough_only
def test_ten_years_can_be_read(decade: Path, chromium: Chromium) -> None:
    """There is a picture for each year, its days wide enough to be told apart, and one chart."""

    async def check() -> None:
        async with chromium.shown(decade) as opened:
            page = opened.page
            assert await page.locator("h4").all_inner_texts() == [str(year) for year in range(2016, 2026)]
            for place in (0, 9):
                box = await page.locator(".every-hour image").nth(place).bounding_box()
                assert box is not None
                assert box["width"] / 366 > 2.5
                assert box["height"] / 24 > 4.5
            assert await page.get_by_role("heading", name="Clicks a day, mean of each week").is_visible()
            assert await opened.violations() == []

    chromium.run(check())


@pytest.mark.parametrize("dark", sizes.sized([True], FLAGS))
def test_it_can_be_printed(dark: bool, year: Path, chromium: Chromium) -> None:  # noqa: FBT001 - parametrized
    """On A4 nothing is cut off on the right, a year takes two pages, and the colours are the light ones."""

    async def check() -> None:
        async with chromium.shown(year, dark=dark, width=703) as opened:  # 210 mm without margins of 12 mm
            pdf = await opened.page.pdf(format="A4")
            assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
            await opened.page.emulate_media(media="print")
            assert await opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            widest = (
                "Math.max(...[...document.querySelectorAll('svg, table')]"
                ".map((each) => each.getBoundingClientRect().right))"
            )
            assert await opened.page.evaluate(widest) <= 703
            cells = [(day, 3) for day in range(20, 30)]
            assert set(await colours(opened, cells)) <= set(LIGHT)
            assert not await opened.page.locator("button").is_visible()

    chromium.run(check())


def test_a_short_series_is_not_stretched(tmp_path: Path, chromium: Chromium) -> None:
    """A day alone is a narrow column, and can be reached by the keys."""
    path, series = tmp_path / "day.html", sample("2025-11-01", "2025-11-01")
    write_report(path, series)

    async def check() -> None:
        async with chromium.shown(path) as opened:
            box = await opened.page.locator(".every-hour image").bounding_box()
            assert box is not None
            assert box["width"] < 40
            await opened.page.locator(".every-hour").focus()
            for key in ("End", "ArrowDown", "ArrowRight"):
                await opened.page.keyboard.press(key)
            assert await opened.text(".readout") == said(series, 0, 1)

    chromium.run(check())
