"""The page as text: templates, style and script put together, and the policy that allows only these two."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError
from hourlyclicks.render.page import axis, heatmap, trend
from hourlyclicks.render.page.choice import MOST_YEARS
from hourlyclicks.render.page.english import compact, in_full, stretch
from hourlyclicks.render.page.minify import small_script, small_style
from hourlyclicks.render.page.palette import DARK, LIGHT, transfer
from hourlyclicks.render.page.section import NONE, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

    from hourlyclicks.render.page.choice import Choice

_FILES = "hourlyclicks.render.page"
_POLICY = (
    "default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}';"
    " base-uri 'none'; form-action 'none'"
)


def html_of(choice: Choice, *, title: str, made: dt.datetime) -> str:
    """Return the page.

    Args:
        choice: the series it shows.
        title: its heading.
        made: when it is made, aware.

    Raises:
        UsageError: Jinja2 is not installed.
    """
    template = _environment().get_template("report.html")
    style, script = _style(), _script()
    return template.render(
        title=title,
        period=_period(choice),
        made=f"{in_full(made.date())}, {made.astimezone(dt.UTC):%H:%M} UTC",
        policy=_POLICY.format(style=_hash(style), script=_hash(script)),
        style=style,
        script=script,
        choice=choice,
        sections=_sections(choice),
        most_years=MOST_YEARS,
        filters={"light": transfer(LIGHT), "dark": transfer(DARK)},
    )


def check_installed() -> None:
    """Raise `UsageError` if Jinja2 is not installed."""
    _environment()


def _sections(choice: Choice) -> Iterator[Section]:
    """Yield the sections one at a time, since each takes memory."""
    for place, series in enumerate(choice.series):
        yield Section(place, series)


def _period(choice: Choice) -> str:
    """Return the first and the last day of all series."""
    first, last = min(row.first for row in choice.rows), max(row.last for row in choice.rows)
    return in_full(first) if first == last else f"{in_full(first)} – {in_full(last)}"


@cache
def _environment() -> Environment:
    """Return the templates; everything they are given is escaped, unless they say that it is safe."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name != "jinja2":
            raise
        raise UsageError("a report needs Jinja2: pip install 'hourlyclicks[report]'") from None
    environment = Environment(
        loader=PackageLoader(_FILES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"boxes": axis.boxes, "compact": compact, "plain": axis.plain}
    shared: dict[str, Any] = {
        "dash": NONE,
        "stretch": stretch,
        "figure_width": axis.WIDTH,
        "figure_left": axis.LEFT,
        "figure_top": heatmap.TOP,
        "single_height": heatmap.SINGLE_HEIGHT,
        "bar_height": trend.HEIGHT,
    }
    environment.globals |= shared
    return environment


@cache
def _style() -> str:
    return small_style(files(_FILES).joinpath("style.css").read_text("utf-8"))


@cache
def _script() -> str:
    return small_script(files(_FILES).joinpath("script.js").read_text("utf-8"))


def _hash(text: str) -> str:
    """Return what the policy of a page calls a piece of its own."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
