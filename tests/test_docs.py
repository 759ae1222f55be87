"""The README has its promised form; the examples in it run as tests by themselves (see conftest.py)."""

from __future__ import annotations

import ast
import re
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from benchmarks.__main__ import PAGES as BENCHMARKS
from benchmarks.report import Report, fill_pages
from docs import make_pictures
from docs.themes import THEMES
from hourlyclicks._version import __version__
from hourlyclicks.cli.exits import ENDINGS
from tests.cli.every_command import EVERY_COMMAND
from tests.sources import nodes
from tests.test_house import CALLS_UPWARD, FLOORS, PACKAGE, SCRIPTS, SOLE_USERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
DESIGN = (ROOT / "docs" / "explanation" / "design.md").read_text("utf-8")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]*)(#[^)\s]*)?\)")
TABLE_OF_CONTENTS = re.compile(r"^```\{toctree\}\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
COMMAND = re.compile(r"^```sh\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def test_the_readme_is_short() -> None:
    """The first result is within 30 lines, and the whole within 100."""
    lines = README.splitlines()
    assert next(number for number, line in enumerate(lines, 1) if "print(series.total_clicks" in line) <= 30
    assert len(lines) <= 100


def test_the_readme_has_two_commands() -> None:
    """One line installs and shows the demo, one line installs and tests, without a step before them."""
    demo, tests = COMMAND.findall(README)
    assert re.fullmatch(
        r"python3 -m venv \.venv && \S+/pip install \S+ '\.\[cli\]' && \S+/hourlyclicks demo", demo
    )
    assert re.fullmatch(
        r"python3 -m venv \.venv && \S+/pip install \S+ -e '\.\[test\]' && \S+/pytest -n auto", tests
    )


def test_no_merge_is_left_half_done() -> None:
    """No page and no module has the markers of a conflict; in a page they would be shown as text."""
    assert [
        str(path.relative_to(ROOT))
        for path in [*PAGES, *SCRIPTS, ROOT / "pyproject.toml"]
        if CONFLICT.search(path.read_text("utf-8"))
    ] == []


def test_links_within_the_repository_lead_somewhere() -> None:
    """A relative link in the README or the documentation names an existing file."""
    broken = [
        f"{page.relative_to(ROOT)}: {link.group(1)}"
        for page in PAGES
        for link in LINK.finditer(page.read_text("utf-8"))
        if link.group(1) and not (page.parent / link.group(1)).exists()
    ]
    assert broken == []


def test_pictures_are_small_and_made_by_a_command() -> None:
    """Each picture can be made again, is shown on some page, and loads quickly, from no other site."""
    shown = {
        (page.parent / link.group(1)).resolve()
        for page in PAGES
        for link in LINK.finditer(page.read_text("utf-8"))
        if link.group(1).endswith((".png", ".svg"))
    }
    made = sorted(make_pictures.FOLDER.iterdir())
    light = [path for path in made if not path.stem.endswith(THEMES["dark"])]
    assert set(light) <= shown
    assert {path.stem for path in light} <= make_pictures.PLOTS | set(make_pictures.OTHERS)
    assert set(made) - set(light) == {
        path.with_stem(path.stem + THEMES["dark"]) for path in light if path.stem != "terminal"
    }
    assert [path.name for path in made if path.stat().st_size > make_pictures.LARGEST] == []
    text = (make_pictures.FOLDER / "terminal.svg").read_text("utf-8")
    assert "url(http" not in text
    assert "@font-face" not in text


def test_every_page_is_in_the_table_of_contents() -> None:
    """The tables of contents list every page but the first, by its name or by the pattern of its folder."""
    docs = ROOT / "docs"
    tables = [
        table for page in docs.rglob("*.md") for table in TABLE_OF_CONTENTS.findall(page.read_text("utf-8"))
    ]
    entries = [line for table in tables for line in table.splitlines() if line and not line.startswith(":")]
    pages = {path.relative_to(docs).with_suffix("").as_posix() for path in docs.rglob("*.md")} - {"index"}
    assert [entry for entry in entries if "*" not in entry and entry not in pages] == []
    assert [page for page in sorted(pages) if not any(fnmatch(page, entry) for entry in entries)] == []


def test_every_page_links_the_glossary() -> None:
    """A reader of any page, and of the README, reaches the glossary with one click."""
    glossary = ROOT / "docs" / "glossary.md"
    pages = [ROOT / "README.md", *sorted(set((ROOT / "docs").rglob("*.md")) - {glossary})]
    linked = {
        page
        for page in pages
        for link in LINK.finditer(page.read_text("utf-8"))
        if (page.parent / link.group(1)).resolve() == glossary.resolve()
    }
    assert [page.relative_to(ROOT).as_posix() for page in pages if page not in linked] == []


def test_the_glossary_has_one_line_for_each_term() -> None:
    """No term is explained twice, and the terms of a group are in alphabetical order."""
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    groups = [
        re.findall(r"^\| (?!term \|)([^|]+) \| [^|]+\. \|$", part, re.MULTILINE)
        for part in page.split("## ")[1:]
    ]
    terms = [term for group in groups for term in group]
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| term |")]
    assert len(rows) == len(terms) == len(set(terms))
    assert [group for group in groups if group != sorted(group, key=_in_order)] == []


def _in_order(term: str) -> tuple[bool, str]:
    """Return what a term is sorted by: numbers come last."""
    return term[0].isdigit(), term.lower()


def test_every_part_of_the_benchmarks_has_its_place() -> None:
    """The pages of the benchmarks have the markers for ``--docs``."""
    pages = {name: (ROOT / "docs" / name).read_text("utf-8") for name in BENCHMARKS}
    assert fill_pages(pages, Report(when="", machine={}), {}) == pages


def test_every_extra_is_documented() -> None:
    """The page about the installation has a row for each extra, and names those for work on the package."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    inner = re.findall(r"`(\w+)`", re.findall(r"^The extras (.*) are for work on", page, re.MULTILINE)[0])
    assert rows == sorted(extras.keys() - set(inner))
    assert set(inner) <= extras.keys()


def test_every_option_of_the_command_line_is_documented() -> None:
    """Each command, option and choice of the command line occurs on its page."""
    page = (ROOT / "docs" / "how-to" / "command-line.md").read_text("utf-8")
    words = {f"hourlyclicks {name}" for name in EVERY_COMMAND if " " not in name}
    words |= set(EVERY_COMMAND)
    for command in EVERY_COMMAND.values():
        words |= {option for parameter in command.params for option in parameter.opts if option != "--help"}
    assert [word for word in sorted(words) if not re.search(rf"{word}\b", page)] == []


def test_every_exit_code_is_documented() -> None:
    """The table of exit codes is that of the command line."""
    page = (ROOT / "docs" / "how-to" / "command-line.md").read_text("utf-8")
    table = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    assert [(str(ending.code), ending.meaning) for ending in ENDINGS] == table


@cache
def sources() -> dict[str, str]:
    """Return the source of each module of the package, and the same with literals joined that are one."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "hourlyclicks").rglob("*.py"))]
    return {text: re.sub(r'"\s+f?"', "", text) for text in texts}


@cache
def messages_of(source: str) -> str:
    """Return all text of a module but its docstrings, with a NUL between two pieces."""
    found = nodes(source)
    described = {id(node.value) for node in found if isinstance(node, ast.Expr)}
    constants = [node for node in found if isinstance(node, ast.Constant) and id(node) not in described]
    return "\0".join(node.value for node in constants if isinstance(node.value, str))


def is_message(piece: str) -> bool:
    """Return whether a text is in the source of the package, and not in docstrings only.

    Only modules that have it anywhere are parsed, which takes a second for all of them.
    """
    return any(piece in joined and piece in messages_of(source) for source, joined in sources().items())


def test_the_messages_in_the_faq_exist() -> None:
    """Each message of ours that the FAQ has as a heading is in the source of the package."""
    page = (ROOT / "docs" / "how-to" / "faq.md").read_text("utf-8")
    headings = [line for line in page.splitlines() if line.startswith("#")]
    quoted = [text for line in headings for text in re.findall(r'"([^"]+)"', re.sub(r"`[^`]*`", "", line))]
    pieces = [piece.strip() for text in quoted for piece in text.split("…")]
    assert len(quoted) > 20
    assert [piece for piece in pieces if not is_message(piece)] == []


def test_the_changelog_says_each_thing_once() -> None:
    """No line of the changelog occurs twice, and each ends with a full stop."""
    lines = [
        line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("- ")
    ]
    assert [line for line in lines if lines.count(line) > 1 or not line.endswith(".")] == []


def test_the_changelog_has_the_version() -> None:
    """Its first heading is for what comes; below it, the newest release is the version of the package."""
    page = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, newest, *_ = [*re.findall(r"^## \[(.+?)\]", page, re.MULTILINE), "", ""]
    assert (first, newest) == ("Unreleased", __version__)
    assert re.search(rf"^## \[{re.escape(newest)}\] - \d{{4}}-\d\d-\d\d$", page, re.MULTILINE)


# -- the page about the design --------------------------------------------------------------------------


def section(title: str) -> str:
    """Return the text of the design page below a heading."""
    return DESIGN.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_design_page_has_the_floors() -> None:
    """Its table is the one that the imports are tested against."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \| .+ \|$", section("Rooms and floors"), re.MULTILINE)
    rooms = {room: int(floor) for floor, names in rows for room in re.findall(r"`(\w+)`", names)}
    rooms[""] = rooms.pop("hourlyclicks")
    assert rooms == FLOORS


def test_the_design_page_has_the_users_of_each_library() -> None:
    """Its table is the one that the imports are tested against."""
    table = section("Rooms and floors").split("| library | modules |")[1]
    rows = re.findall(r"^\| ([a-z0-9, ]+) \| (.+) \|$", table, re.MULTILINE)
    found = {
        library: set(re.findall(r"`([^`]+)`", modules))
        for libraries, modules in rows
        for library in libraries.split(", ")
    }
    assert found == {
        library: {user.removesuffix(".py") for user in users} for library, users in SOLE_USERS.items()
    }


def test_the_design_page_has_the_calls_upwards() -> None:
    """Its table is the one that the constructors are tested against."""
    assert set(re.findall(r"^\| `([^`]+)` \|", section("Calls upwards"), re.MULTILINE)) == CALLS_UPWARD


MOST_FILES = 6
"""In the package, for an endpoint whose figures the store does not keep."""


def test_a_new_endpoint_takes_few_files() -> None:
    """The files of the example are there, and are no more than was promised."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    files = re.findall(r"^\| `([\w/]+\.py)` \|", text, re.MULTILINE)
    assert 0 < len(files) <= MOST_FILES
    assert [file for file in files if not (PACKAGE / file).exists()] == []


def test_the_modules_on_the_design_page_exist() -> None:
    """Each ``room/module`` that the page names is in the package."""
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)+)`", DESIGN)
    assert len(named) > 50
    assert [name for name in named if not (PACKAGE / f"{name}.py").exists()] == []
