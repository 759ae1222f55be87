"""Make the pictures of the README and the documentation: ``python -m docs.make_pictures``, in a clone.

They are made from a simulated server: a terminal in which the demo has run, the four kinds of plots, and, if
there is a Chromium on this machine, the report page. Plots and the page are made once more for dark themes.
Name some of them to make only these.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from docs.themes import THEMES
from hourlyclicks import Client, DateRange, Limits, Link, Rate, plot, write_report
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.simulator import DEFAULT_KEY, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks import HourlySeries

FOLDER = Path(__file__).parent / "pictures"
LARGEST = 150_000
"""The bytes that a picture may have; the README loads all of its own."""

LINKS = [Link(name, "https://vvd.bz") for name in ("kYdr", "shop", "tour")]
YEAR = DateRange(dt.date(2025, 1, 1), dt.date(2025, 12, 31))
MISSING = DateRange(dt.date(2025, 3, 3), dt.date(2025, 3, 9))
"""Days that the pictures show as not fetched."""

_DEMO = ("hourlyclicks", "demo", "--seed", "3")
"""With this seed, the second process seldom has to wait for a slot of the killed one."""

_COLUMNS = 80
_FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
_PROGRESS = re.compile(r"https://vvd\.bz/\S+, |\d+ of \d+ days\b|waiting for ")
"""Lines about progress; stderr in a terminal shows it in place."""


def terminal() -> None:
    """Run the demo, and draw what it writes to a terminal."""
    lines = [line for line in _demo().splitlines() if not _PROGRESS.match(line)]
    console = Console(
        width=_COLUMNS, record=True, force_terminal=True, color_system="256", file=io.StringIO()
    )
    console.print(Text.from_ansi("\n".join([f"\x1b[1m$ {' '.join(_DEMO)}\x1b[0m", *lines])))
    template = inspect.signature(console.export_svg).parameters["code_format"].default
    template = _FONT_FACES.sub("", template)  # they would be loaded from another site
    svg = console.export_svg(
        title="hourlyclicks", theme=DIMMED_MONOKAI, code_format=template, unique_id="demo"
    )
    _save("terminal.svg", svg.encode())


def _demo() -> str:
    """Run the demo with stdout on a terminal, and stderr in a pipe, so that progress has lines of its own."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(_COLUMNS), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", *_DEMO]
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE, env=environment) as process:  # noqa: S603 - ours
        os.close(slave)
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        messages = process.stderr.read()
        shown = b""
        while piece := _piece(master):
            shown += piece
    os.close(master)
    if process.returncode:
        raise SystemExit(messages.decode())
    return (messages + shown).decode().replace("\r\n", "\n")


def _piece(master: int) -> bytes:
    try:
        return os.read(master, 65_536)
    except OSError:  # on Linux, when the other end is closed
        return b""


def series() -> list[HourlySeries]:
    """Fetch a year of each link from a simulated server; a week is left out, the last day is not final."""

    async def fetch() -> list[HourlySeries]:
        limits = Limits((Rate(1_000_000),), concurrency=4)
        async with (
            Simulator(seed=5, limits=(), concurrency=0) as server,
            Client(DEFAULT_KEY, limits=limits, base_url=server.url) as client,
        ):
            return [await client.fetch(YEAR.start, YEAR.end, link) for link in LINKS]

    return [_with_a_gap(each) for each in asyncio.run(fetch())]


def _with_a_gap(whole: HourlySeries) -> HourlySeries:
    builder = SeriesBuilder(whole.target, whole.range)
    for day in whole.days():
        if day.date not in MISSING:
            builder.add(attrs.evolve(day, final=day.date != whole.range.end))
    return builder.build()


def plots(kinds: set[str]) -> None:
    """Draw the plots."""
    year, *others = series()
    for kind in sorted(kinds):
        shown = [year, *others] if kind == "compare" else year
        for theme, suffix in THEMES.items():
            figure = getattr(plot, kind)(shown, theme=theme)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "plot.png"
                figure.savefig(path, dpi=120)
                _save(f"{kind}{suffix}.png", path.read_bytes())


def page() -> None:
    """Let a Chromium without a window draw the beginning of the report page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("page.png is not made: there is no Chromium")  # noqa: T201 - a script
        return
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "page.png"
        write_report(source, series())
        for number, suffix in enumerate(reversed(THEMES.values())):  # Chromium's 0 is dark, its 1 is light
            look = f"--blink-settings=preferredColorScheme={number}"
            options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,900", look]
            command = [chromium, *options, f"--screenshot={target}", source.as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - ours
            _save(f"page{suffix}.png", target.read_bytes())


def _save(name: str, image: bytes) -> None:
    """Write a picture that is small enough for a README."""
    if len(image) > LARGEST:
        raise SystemExit(f"{name} has {len(image):,} bytes, more than {LARGEST:,}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_bytes(image)
    print(f"{name}: {len(image):,} bytes")  # noqa: T201 - a script


PLOTS = {"calendar", "week", "trend", "compare"}
"""The plots of `hourlyclicks.plot`."""

OTHERS: dict[str, Callable[[], None]] = {"terminal": terminal, "page": page}
"""What makes the other pictures, by their names."""


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    wanted = set(names) or PLOTS | set(OTHERS)
    if unknown := wanted - PLOTS - set(OTHERS):
        raise SystemExit(
            f"there is no picture {', '.join(sorted(unknown))}; there are {sorted(PLOTS | set(OTHERS))}"
        )
    if kinds := wanted & PLOTS:
        plots(kinds)
    for name in sorted(wanted & set(OTHERS)):
        OTHERS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
