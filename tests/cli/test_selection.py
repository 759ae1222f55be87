"""Which targets a command is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest

from hourlyclicks import Account, Group, Link, UsageError
from hourlyclicks.cli.selection import read_targets, with_targets

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.cli.selection import Selection

BZ = "https://vvd.bz"


@click.command
@with_targets
def probe(selection: Selection) -> Selection:
    """Return what a command gets."""
    return selection


def parse(*words: str) -> Selection:
    """Return what a command gets from a command line."""
    selection: Selection = probe.main(words, standalone_mode=False)
    return selection


def written(folder: Path, text: str | bytes, name: str = "targets.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_options_may_be_repeated() -> None:
    """Links have one domain, groups stand for themselves, and each target counts once."""
    words = ("--link", "a", "--link", "한/글", "--link", "a", "--domain", BZ, "--group", "7", "--account")
    assert parse(*words).read() == (Link("a", BZ), Link("한/글", BZ), Group(7), Account())


def test_nothing_said_is_noticed() -> None:
    """No option is no selection."""
    assert not parse()
    assert parse().read() == ()


@pytest.mark.parametrize("words", [("--link", "a"), ("--domain", BZ), ("--group", "-1"), ("--group", "x")])
def test_half_a_target_is_a_mistake(words: tuple[str, ...]) -> None:
    """A link needs a domain, and a domain something it is for."""
    with pytest.raises(click.UsageError):
        parse(*words)


def test_a_file_adds_to_the_options(tmp_path: Path) -> None:
    """Those of the options come first; the domain is also that of links in the file that name none."""
    path = written(tmp_path, "link\na\nb\n")
    words = ("--link", "b", "--domain", BZ, "--targets", str(path))
    assert parse(*words).read() == (Link("b", BZ), Link("a", BZ))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"link,domain\nkYdr,{BZ}\n", [Link("kYdr", BZ)]),
        (f"\ufefflink,domain\r\nkYdr,{BZ}\r\n", [Link("kYdr", BZ)]),
        (f'link,domain\n"a,""b""",{BZ}\n"한글",{BZ}', [Link('a,"b"', BZ), Link("한글", BZ)]),
        (f'name,Link , DOMAIN,note\nx,y, {BZ} ,"two\nlines"\n', [Link("y", BZ)]),
        ("group\n7\n 8 \n0\n", [Group(7), Group(8), Group(0)]),
        (f"target\naccount\ngroup 7\n{BZ}/a/b\n", [Account(), Group(7), Link("a/b", BZ)]),
        (f"link,domain,group\n\n,,7\n,,\na,{BZ}\n", [Group(7), Link("a", BZ)]),
        (f"link,domain,group\na,{BZ},\n,,3\na,{BZ}\n", [Link("a", BZ), Group(3), Link("a", BZ)]),
    ],
)
def test_csv_is_read(tmp_path: Path, text: str, expected: list[object]) -> None:
    """With a byte order mark, any line ends, quotes, other columns, and lines without anything."""
    assert read_targets(written(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r":1: the first line must name the columns"),
        (f"kYdr,{BZ}\n", r":1: the first line must name the columns"),
        (f"link;domain\nkYdr;{BZ}\n", r":1: the first line must name the columns"),
        ("link,domain\n", r"names no targets"),
        (f"link,domain\na,{BZ}\nb,\n", r":3: the link 'b' has no domain"),
        ("link,domain\na,vvd.bz\n", r":2: Link.domain is written with its scheme"),
        (f"link,domain,group\na,{BZ},7\n", r":2: a target is one of"),
        (f"link,domain,group\n,{BZ},7\n", r":2: a target is one of"),
        ("group\nseven\n", r":2: a group is a number, not 'seven'"),
        ("group\n-7\n", r":2: a group is a number"),
        ("target\nkYdr\n", r":2: a target is written 'account'"),
        ("group,name\n,x\n", r":2: a target is one of"),
        ("group\n7,8\n", r":2: 2 cells under 1 columns"),
        ('group\n"7\n', r":2: unexpected end of data"),
        ('group\n"7"8\n', r":2: "),
        (b"group\n\xff\n", r"not written in UTF-8"),
    ],
)
def test_a_mistake_in_a_csv_is_told_with_its_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    """The error names the file, the line, and what is wrong there."""
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}.*{problem}"):
        read_targets(path)


def test_toml_is_read(tmp_path: Path) -> None:
    """Each target is a table; a domain at the top is for the links that name none, whatever the option is."""
    text = f"""\ufeffdomain = "{BZ}"
        [[target]]
        link = "한/글"
        [[target]]
        link = "b"
        domain = "https://a.example"
        [[target]]
        group = 7
        [[target]]
        account = true
        [[target]]
        target = "group 8"
    """
    expected = [Link("한/글", BZ), Link("b", "https://a.example"), Group(7), Account(), Group(8)]
    assert read_targets(written(tmp_path, text, "targets.TOML"), "https://other.example") == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no targets"),
        ("[[target]\n", r"\(at line 1"),
        ('domian = "https://vvd.bz"\n', "'domian' means nothing"),
        ("[target]\ngroup = 7\n", "with two brackets"),
        ("target = [7]\n", "target 1: it is no table"),
        ("[[target]]\ngroup = 7\n[[target]]\nlnk = 'a'\n", "target 2: 'lnk' means nothing"),
        ("[[target]]\nlink = 'a'\n", "target 1: the link 'a' has no domain"),
        ("domain = 3\n[[target]]\nlink = 'a'\n", "target 1: the link 'a' has no domain"),
        (
            "[[target]]\nlink = 7\ndomain = 'https://vvd.bz'\n",
            "target 1: a link's id is text in quotes, not 7",
        ),
        ("[[target]]\ngroup = true\n", "target 1: a group is a number, not True"),
        ("[[target]]\ngroup = -7\n", "target 1: Group.idx must be"),
        ("[[target]]\naccount = false\n", "target 1: a target is one of"),
        ("[[target]]\n", "target 1: a target is one of"),
        ("[[target]]\ntarget = 7\n", "target 1: a target is one of"),
        ("a = " + "[" * 9999, ""),
    ],
)
def test_a_mistake_in_toml_is_told_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    """The error names the file, the number of the target, and what is wrong there."""
    path = written(tmp_path, text, "targets.toml")
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}.*{problem}"):
        read_targets(path)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """What cannot be read is told in a sentence."""
    with pytest.raises(UsageError, match="cannot be read: "):
        read_targets(tmp_path / "none.csv")
