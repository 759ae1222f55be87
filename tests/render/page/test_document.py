"""The page as text: what is in it, how large it is, and what its policy allows."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import stat
import sys
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

import hourlyclicks
from hourlyclicks import DateRange, DayClicks, UsageError, report, write_report
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.render.page import choice, document
from hourlyclicks.render.page.palette import DARK, LIGHT
from tests.render.page.samples import (
    FORMULA,
    HOSTILE,
    a_year,
    absurd,
    all_kinds,
    busiest_account,
    busiest_link,
    every_second_day,
    nothing,
    sample,
    ten_years,
)
from tests.sizes import sized

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks import HourlySeries

FIRST_YEAR, FURTHER_YEAR = 60_000, 50_000
VOID = {"meta", "link", "img", "br", "rect", "path", "image", "use"}


@cache
def page_of(series: Callable[[], HourlySeries]) -> str:
    """Return the page about one of the samples, which several tests look at."""
    return report(series())


class Reader(HTMLParser):
    """Collects the tags and the texts of a page, and the attributes of each tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def test_the_first_year_of_a_link_takes_60_kb_and_each_further_one_50() -> None:
    """Whether they are of one link or of several."""
    one = len(page_of(a_year).encode())
    assert one <= FIRST_YEAR
    another = sample(target=hourlyclicks.Link("a", "https://vvd.bz"))
    assert len(report([a_year(), another]).encode()) - one <= FURTHER_YEAR
    assert len(page_of(ten_years).encode()) <= FIRST_YEAR + 9 * FURTHER_YEAR


@pytest.mark.parametrize(
    "busy", sized([busiest_link, absurd], [busiest_link, busiest_account, every_second_day, absurd])
)
def test_the_busiest_year_takes_60_kb(busy: Callable[[], HourlySeries]) -> None:
    """Of a link, of an account, with as many gaps as there can be, and with the largest counts."""
    one, both = page_of(a_year), report([a_year(), busy()])
    assert len(page_of(busy).encode()) <= FIRST_YEAR
    assert len(both.encode()) - len(one.encode()) <= FURTHER_YEAR


def test_what_is_rounded_is_said() -> None:
    """A page of which the script has rounded figures says which, and to how many digits."""
    pages = [page_of(busy) for busy in (a_year, busiest_link, absurd)]
    said = [" ".join(" ".join(Reader(page).texts).split()) for page in pages]
    assert [text.count("rounded") for text in said] == [0, 1, 1]
    assert "pointed at: unique users to 2 digits." in said[1]
    assert "and in the table of all days: clicks to 1 digit, unique users to 1 digit." in said[2]


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone() -> None:
    """Their hashes are those of the text between the tags, and nothing else may be loaded."""
    page = page_of(a_year)
    reader = Reader(page)
    policy = next(
        attrs["content"] for tag, attrs in reader.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for name, opening in (("style", "<style>"), ("script", "<script>")):
        text = page.split(opening)[1].split(f"</{name}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert directives[f"{name}-src"] == f"'sha256-{digest}'"
    assert [
        attrs for _, attrs in reader.tags if any(name.startswith("on") or name == "style" for name in attrs)
    ] == []


def test_nothing_is_requested() -> None:
    """Every address in the page is a fragment or holds its data."""
    addresses = [
        value or ""
        for _, attrs in Reader(report(all_kinds())).tags
        for name, value in attrs.items()
        if name in {"href", "src", "action", "xlink:href"}
    ]
    assert len(addresses) > 10
    assert [each for each in addresses if not each.startswith(("#", "data:"))] == []


@pytest.mark.parametrize("target", [HOSTILE, FORMULA], ids=["markup", "formula"])
def test_a_name_is_text_everywhere(target: hourlyclicks.Link) -> None:
    """Whatever it looks like: in the summary, in the heading and as the title of the page."""
    page = report(
        [sample("2025-11-01", "2025-11-02", target), nothing("2025-11-01", "2025-11-01")], title=target.id
    )
    reader = Reader(page)
    assert "img" not in {tag for tag, _ in reader.tags}
    assert reader.texts.count(str(target)) == 2
    assert reader.texts.count(target.id) == 2


def test_the_clicks_a_day_are_a_mean_of_the_days_with_figures() -> None:
    """A day on which no hour was reported is not zero, neither in the summary nor in the key figures."""
    builder = SeriesBuilder(HOSTILE, DateRange.of("2025-11-01", "2025-11-03"))
    for day, clicks in (("2025-11-01", 1), ("2025-11-02", None)):
        hours = (clicks,) * 24
        builder.add(DayClicks(dt.date.fromisoformat(day), hours, hours, dt.datetime.now(dt.UTC), final=True))
    reader = Reader(report([builder.build(), nothing("2025-11-01", "2025-11-01")]))
    texts = [text.strip() for text in reader.texts]
    assert texts[: texts.index("2 of 3")][-3:] == ["24", "24", "1"]
    assert "24 a day" in texts


def test_the_page_says_what_is_known() -> None:
    """Key figures, coverage, provisional days, and the time of fetching are there in words."""
    text = " ".join(" ".join(Reader(page_of(a_year)).texts).split())
    for words in (
        "1 January 2025 – 31 December 2025",
        "3,427,076",
        "9.65k a day",
        "358 of 365",
        "12,249 19 Jul 2025, 15:00",
        "30,890 Sat 19 Jul 2025",
        "358 of 365 days were fetched. 72 hours of these days were not reported.",
        "Not fetched: 3 – 8 Mar 2025, 17 Aug 2025 .",
        "Provisional: 31 Dec 2025.",
        "Fetched 1 Jan 2026, 06:00 UTC.",
        "≥ 2.07k clicks an hour",
        "Sat 19 Jul 2025, 15:00 12,249 8,574",
    ):
        assert words in text


def test_what_is_not_known_is_no_zero() -> None:
    """A series without any day has dashes and hatched days, no scale and no zero."""
    page = report(nothing("2025-10-01", "2025-12-30"))
    text = " ".join(" ".join(Reader(page).texts).split())
    assert "Clicks – no day has figures" in text
    assert "None of the 91 days was fetched." in text
    assert "clicks an hour" not in text
    assert text.count("–") > 7 * 24
    assert 'fill="url(#missing)"' in page
    assert 'fill="url(#unreported)"' not in page


def test_a_long_series_has_a_picture_for_each_year() -> None:
    """Up to 400 days it is one."""
    pages = [
        report(sample("2024-11-27", "2025-12-31")),
        report(sample("2024-11-26", "2025-12-31")),
        page_of(ten_years),
    ]
    assert [page.count('class="shades"') for page in pages] == [1, 2, 10]


def test_of_too_many_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the limit, and how many targets are left out."""
    monkeypatch.setattr(choice, "MOST_YEARS", 1)
    many = [sample("2025-01-01", "2025-12-31", hourlyclicks.Group(number)) for number in range(3)]
    text = " ".join(" ".join(Reader(report(many)).texts).split())
    assert "of 3 targets, the 1 with the most clicks" in text


def test_the_heading_can_be_chosen() -> None:
    """Without one it is that of the package."""
    day = nothing("2025-11-01", "2025-11-01")
    assert [
        Reader(report(day, title=title)).texts.count(title or "Hourly clicks") for title in (None, "Links")
    ] == [2, 2]


def test_a_file_is_private_and_replaced_as_a_whole(tmp_path: Path) -> None:
    """A new one belongs to its owner, one that is there keeps its mode, and an error leaves it as it was."""
    path = tmp_path / "report.html"
    write_report(path, a_year())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8").startswith("<!doctype html>")
    path.chmod(0o644)
    write_report(str(path), nothing("2025-11-01", "2025-11-01"), title="again")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    before = path.read_bytes()
    with pytest.raises(UsageError):
        write_report(path, [])
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    document._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError, match=r"^a report needs Jinja2: pip install 'hourlyclicks\[report\]'$"):
        report(a_year())
    document._environment.cache_clear()


# -- the style -----------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [part / 255 for part in bytes.fromhex(colour.removeprefix("#"))]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def pair(text: str) -> tuple[str, str]:
    """Return the colour of the light and of the dark theme."""
    colours = re.findall("#[0-9a-f]{6}", text)
    return colours[0], colours[-1]


STYLE = files("hourlyclicks.render.page").joinpath("style.css").read_text("utf-8")
CELLS = [
    (pair(ground), pair(ink))
    for ground, ink in re.findall(r"\.s\d \{ background: ([^;]+); color: ([^;]+); \}", STYLE)
]
COLOURS = {name: pair(value) for name, value in re.findall(r"--(\w+): (light-dark\([^;]+\));", STYLE)}


def test_the_tables_have_the_shades_of_the_pictures() -> None:
    """The style sheet and the filters of the pictures have the same colours."""
    assert tuple(ground[0] for ground, _ in CELLS) == LIGHT
    assert tuple(ground[1] for ground, _ in CELLS) == DARK


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read(theme: int) -> None:
    """Text has a contrast of 4.5 on its ground, also in the middle shades, and marks have one of 3."""
    assert len(CELLS) == 8
    assert min(contrast(ground[theme], ink[theme]) for ground, ink in CELLS) >= 4.5
    for ink in ("ink", "quiet", "link", "alert"):
        assert (
            min(contrast(COLOURS[ink][theme], COLOURS[ground][theme]) for ground in ("page", "card")) >= 4.5
        )
    assert contrast(COLOURS["hatch"][theme], COLOURS["ground"][theme]) >= 3
    assert contrast(COLOURS["alert"][theme], COLOURS["card"][theme]) >= 3
    assert contrast(COLOURS["line"][theme], COLOURS["bars"][theme]) >= 3
