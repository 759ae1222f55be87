"""Which targets a command line names."""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import Account, DateRange, Group, Link, UsageError
from hourlyclicks.cli.selection import read_targets, with_targets
from hourlyclicks.model.series_builder import merge_days

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
    """Links have one domain, groups have none, and each target counts once."""
    words = ("--link", "a", "--link", "한/글", "--link", "a", "--domain", BZ, "--group", "7", "--account")
    assert parse(*words).read() == (Link("a", BZ), Link("한/글", BZ), Group(7), Account())


def test_nothing_said_is_noticed() -> None:
    """Without an option there is no selection."""
    assert not parse()
    assert parse().read() == ()


@pytest.mark.parametrize("words", [("--link", "a"), ("--domain", BZ), ("--group", "-1"), ("--group", "x")])
def test_half_a_target_is_a_mistake(words: tuple[str, ...]) -> None:
    """A link needs a domain, and a domain needs a link."""
    with pytest.raises(click.UsageError):
        parse(*words)


def test_a_file_adds_to_the_options(tmp_path: Path) -> None:
    """Those of the options come first; the domain is also for links in the file without one."""
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
        (f"sep=,\nlink,domain\na,{BZ}\n", [Link("a", BZ)]),
        (f"link,domain\n a b \t,{BZ}\t\n", [Link("a b", BZ)]),
        (f'link,domain\n "a,b" , "{BZ}"\n', [Link("a,b", BZ)]),
        (f'link,domain\n"#a",{BZ}\na"b,{BZ}\n', [Link("#a", BZ), Link('a"b', BZ)]),
        (f"link,domain\ra,{BZ}\rb,{BZ}", [Link("a", BZ), Link("b", BZ)]),
        (f"link\n{BZ}/kYdr\nHTTPS://VVD.BZ:443/a/b\n", [Link("kYdr", BZ), Link("a/b", BZ)]),
        (f"link\n{BZ}/%ED%95%9C%20%2F%25\n", [Link("한 /%", BZ)]),
        (f"link,domain\n{BZ}/kYdr,{BZ}/\n", [Link("kYdr", BZ)]),
        (f"link,domain\n👩\u200d💻,{BZ}\n", [Link("👩\u200d💻", BZ)]),
        (f"note,note,link,domain\n1,2,a,{BZ}\n", [Link("a", BZ)]),
        (f"{BZ}/kYdr\n\n# the talk\n  {BZ}/a/b \r\n", [Link("kYdr", BZ), Link("a/b", BZ)]),
        ("\ufeff# mine\nHTTPS://VVD.BZ/%ED%95%9C", [Link("한", BZ)]),
        (f"name,url\nx,{BZ}/kYdr\n", [Link("kYdr", BZ)]),
        (f"link,domain,url\na,{BZ},https://example.com/?long\n", [Link("a", BZ)]),
    ],
)
def test_csv_is_read(tmp_path: Path, text: str, expected: list[object]) -> None:
    """It may have a byte order mark, any line ends, quotes, other columns, and empty lines."""
    assert read_targets(written(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r":1: the first line must name the columns: .*, since; or list addresses"),
        (f"kYdr,{BZ}\n", r":1: the first line must name the columns"),
        (f"link;domain\nkYdr;{BZ}\n", r":1: cells are separated by ';': write commas"),
        (f"name\tlink\tdomain\n\tkYdr\t{BZ}\n", r":1: cells are separated by '\\t': write commas"),
        (f"sep=;\nlink;domain\nkYdr;{BZ}\n", r":1: cells are separated by ';': write commas"),
        (f"link,domain\nkYdr;{BZ},\n", r":2: 'kYdr;https://vvd\.bz' is no id"),
        (f"link,domain\nkYdr;x,{BZ}\nkYdr;{BZ}/a,{BZ}\n", r":3: 'kYdr;https://vvd\.bz/a' is no id"),
        (f"link,domain\nkYdr\t{BZ}\n", r":2: 'kYdr\\thttps://vvd\.bz' holds a TAB"),
        (f"link,domain,Link\na,{BZ},b\n", r":1: 2 columns are named link: keep one of them"),
        (f"link,\u200bdomain\na,{BZ}\n", r":1: .* cannot be seen"),
        (f"link,domain\n\nkY\u00a0dr,{BZ}\n", r":3: 'kY\\xa0dr' holds the character U\+00A0, .* with %C2%A0"),
        (f"link,domain\nkYdr\u200b,{BZ}\n", r":2: .* holds the character U\+200B"),
        (f"link,domain\n\ufeffkYdr,{BZ}\n", r":2: .* holds the character U\+FEFF"),
        (f"link,domain\nkYdr\u200d,{BZ}\n", r":2: .* holds the character U\+200D"),
        ("link,domain\nkYdr,https://vvd\u200b.bz\n", r":2: .* holds the character U\+200B"),
        (f"target\n{BZ}/kYdr\u00a0\n", r":2: .* holds the character U\+00A0"),
        (f'link,domain\n"kYdr ",{BZ}\n', r":2: 'kYdr ' begins or ends with a blank.*%20"),
        (f'link,domain\n"kYdr\nkYds",{BZ}\n', r":2: .* holds the end of a line, or a TAB"),
        (f"link,domain\n#kYdr,{BZ}\n", r":2: '#kYdr' is no comment"),
        (f"link,domain\n{BZ}/kYdr,https://vvd.im\n", r":2: '.*/kYdr' is no link of https://vvd.im"),
        (f"link\n{BZ}/kYdr?utm_source=x\n", r":2: .* has more behind the link: leave '\?'"),
        (f"link\n{BZ}/kYdr/\n", r":2: .* ends with a slash"),
        (f"link\n{BZ}/\n", r":2: .* its id is missing"),
        (f"link\n{BZ}\n", r":2: .* its id is missing"),
        (f"link\n{BZ}/50%\n", r":2: .* is written %25"),
        (f"link\n{BZ}/%ED%95\n", r":2: the escapes in .* are not UTF-8"),
        ("link\nhttps://me:secret@vvd.bz/kYdr\n", r":2: the address of a link has no user name(?!.*secret)"),
        (f"link\n{'x' * 5000}://\n", r":2: .{100,120} is no id|its id is missing"),
        ("link\nftp://vvd.bz/kYdr\n", r":2: the domain of a link is written with its scheme"),
        (f"link,domain\nvvd.bz/kYdr,{BZ}\n", r":2: 'vvd.bz/kYdr' is no id; write the whole address"),
        (f"link,domain\n//vvd.bz/kYdr,{BZ}\n", r":2: '//vvd.bz/kYdr' is no id"),
        (f'link,domain\na,{BZ}\n"b\n\nc,{BZ}\n', r":3: a quote is opened and never closed"),
        (f'link,domain,x\na,{BZ},"a\nb"\nc,"d"e\n', r":4: text stands behind a closing quote"),
        (f"link,domain\na,{BZ}\n".encode("utf-16"), "is not written in UTF-8, but in UTF-16"),
        (f"link,domain\na,{BZ}\n".encode("utf-16-be"), "is not written in UTF-8, but in UTF-16"),
        (f"link,domain\na,{BZ}\n".encode("utf-16-le"), "is not written in UTF-8, but in UTF-16"),
        ("link,domain\n", r"names no targets"),
        (f"link,domain\na,{BZ}\nb,\n", r":3: the link 'b' has no domain"),
        ("link,domain\na,vvd.bz\n", r":2: the domain of a link is written with its scheme"),
        (f"link,domain,group\na,{BZ},7\n", r":2: a target is one of"),
        (f"link,domain,group\n,{BZ},7\n", r":2: a target is one of"),
        ("group\nseven\n", r":2: a group is a number, not 'seven'"),
        ("group\n-7\n", r":2: a group is a number"),
        ("target\nkYdr\n", r":2: a target is written 'account'"),
        ("group,name\n,x\n", r":2: a target is one of"),
        ("group\n7,8\n", r":2: 2 cells under 1 column$"),
        ('group\n"7\n', r":2: a quote is opened and never closed"),
        (f"{BZ}/a\n\n{BZ}/b,{BZ}/c\n", r":3: .* holds a blank or a comma: .* %20 and %2C"),
        (f"{BZ}/a\nkYdr\n", r":2: 'kYdr' is no address"),
        (f"{BZ}/a\n{BZ}/kY\u200bdr\n", r":2: .* holds the character U\+200B"),
        ("url\nkYdr\n", r":2: 'kYdr' is no address"),
        ("since\n2025-01-01\n", r":1: the first line must name the columns"),
        ("group,since\n7,2025-02-30\n", r":2: there is no such day: '2025-02-30'"),
        ("group,since\n7,last year\n", r":2: a day is written YYYY-MM-DD, not 'last year'"),
        ('group\n"7"8\n', r":2: "),
        (b"group\n\xff\n", r"not written in UTF-8"),
    ],
)
def test_a_mistake_in_a_csv_is_an_error_with_its_line(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    """The error names the file, the line, and the fault."""
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}.*{problem}"):
        read_targets(path)


@pytest.mark.parametrize("char", "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e")
def test_only_cr_and_lf_end_a_line(tmp_path: Path, char: str) -> None:
    """Other line separators of Unicode are part of an id."""
    path = written(tmp_path, f"link\nkY{char}dr\nb\n")
    assert read_targets(path, BZ) == [Link(f"kY{char}dr", BZ), Link("b", BZ)]


IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
HARD_IDS = st.text(
    st.sampled_from(" \t\r\n\"',;#%/:?=\x0b\x85\u2028\u00a0\u200b\ufeffa1한"), min_size=1, max_size=8
)


@settings(max_examples=50)
@given(st.lists(st.one_of(IDS, HARD_IDS), min_size=1, max_size=3))
def test_an_export_is_a_list_of_its_targets(tmp_path_factory: pytest.TempPathFactory, ids: list[str]) -> None:
    """The column `target` of an exported CSV is read back, with any link."""
    path = tmp_path_factory.mktemp("export") / "clicks.csv"
    targets = [Link(name, BZ) for name in ids]
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, target in enumerate(targets):
            merge_days(DateRange.of("2025-04-01", "2025-04-01"), [], target=target).write_csv(
                file, header=not number
            )
    assert read_targets(path, warn=lambda _: None)[::24] == targets


@settings(max_examples=50)
@given(IDS)
def test_any_link_can_be_named_by_its_address(name: str) -> None:
    """Special characters are percent-escaped; the option and the column `link` agree."""
    address = f"{BZ}/{quote(name, safe='')}"
    assert parse("--link", address).named == (Link(name, BZ),)
    assert parse("--link", address, "--domain", BZ).named == (Link(name, BZ),)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--link", f"{BZ}/kYdr", "--domain", "https://vvd.im"), "--link: .* is no link of https://vvd.im"),
        (("--link", "vvd.bz/kYdr", "--domain", BZ), "--link: .* write the whole address"),
        (("--link", "kY\u200bdr", "--domain", BZ), r"--link: .* U\+200B"),
        (("--link", f"{BZ}/kYdr?x=1"), "--link: .* has more behind the link"),
    ],
)
def test_an_option_is_read_as_strictly_as_a_file(words: tuple[str, ...], problem: str) -> None:
    """What can only be a slip is an error."""
    with pytest.raises(UsageError, match=problem):
        parse(*words)


def test_blanks_around_an_option_are_left_out() -> None:
    """They are removed."""
    assert parse("--link", " kYdr\r\n", "--domain", BZ).named == (Link("kYdr", BZ),)


COMPOSED, DECOMPOSED = "한글", unicodedata.normalize("NFD", "한글")


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (f"link,domain\nkYdr,{BZ}\n{COMPOSED},{BZ}\n", []),
        (f"link\n{BZ}/%ED%95%9C\n", []),
        (
            f"link,domain\n%ED%95%9C,{BZ}\n",
            ["csv:2: '%ED%95%9C' is taken as it stands; '한' is another link"],
        ),
        (f"target\n{BZ}/%ED%95%9C\n", [f"csv:2: '{BZ}/%ED%95%9C' is taken as it stands; '한' is another"]),
        (f"link,domain\n100%,{BZ}\na%20b,{BZ}\n", []),
        (
            f"link,domain\na;b,{BZ}\na b,{BZ}\n",
            ["csv:2: 'a;b' is taken as the id of one link", "csv:3: 'a b'"],
        ),
        (f'target\n"{BZ}/a "\n"{BZ}/\u200b"\n', ["/a ' is taken with its blanks", "/\\u200b' is taken with"]),
        (f"link,domain\n{DECOMPOSED},{BZ}\n", [f"{BZ}/{DECOMPOSED} is not composed (NFC)"]),
        (f"link,domain\n{COMPOSED},{BZ}\n{DECOMPOSED},{BZ}\n", [" print alike, and are two links"]),
        ("link\n" + f"{BZ}/{DECOMPOSED}a\n{BZ}/{COMPOSED}a\n", ["not composed", "print alike"]),
        ("link,domain\n" + f"%ED%95%9C,{BZ}\n" * 12, ["taken"] * 10 + ["2 more of these"]),
    ],
)
def test_what_may_be_a_slip_causes_a_warning(
    tmp_path: Path, text: str, warnings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A link that looks like another one is accepted, with a warning on stderr."""
    parse("--targets", str(written(tmp_path, text))).read()
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert all(line.startswith("warning: ") for line in lines)
    assert [part in line for part, line in zip(warnings, lines, strict=True)] == [True] * len(warnings)


def test_an_option_that_may_be_a_slip_causes_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """It is accepted, with a warning on stderr."""
    parse("--link", "%ED%95%9C", "--link", DECOMPOSED, "--link", "a,b", "--domain", BZ).read()
    first, several, second = capsys.readouterr().err.splitlines()
    assert first == "warning: --link: '%ED%95%9C' is taken as it stands; '한' is another link"
    assert several == "warning: --link: 'a,b' is taken as the id of one link; several are named one by one"
    assert "is not composed (NFC)" in second


def test_toml_is_read(tmp_path: Path) -> None:
    """Each target is a table; a domain at the top is for links without one, whatever the option."""
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
        [[target]]
        link = "{BZ}/%ED%95%9C"
        domain = "{BZ}/"
    """
    links = [Link("한/글", BZ), Link("b", "https://a.example")]
    expected = [*links, Group(7), Account(), Group(8), Link("한", BZ)]
    assert read_targets(written(tmp_path, text, "targets.TOML"), "https://other.example") == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no targets"),
        ("[[target]\n", r"\(at line 1"),
        ('domian = "https://vvd.bz"\n', "'domian' is no field; the fields are: domain, target"),
        ("[target]\ngroup = 7\n", "with two brackets"),
        ("target = [7]\n", "target 1: it is no table"),
        ("[[target]]\ngroup = 7\n[[target]]\nlnk = 'a'\n", "target 2: 'lnk' is no field of a target"),
        ("[[target]]\nlink = 'a'\n", "target 1: the link 'a' has no domain"),
        ("domain = 3\n[[target]]\nlink = 'a'\n", "target 1: the link 'a' has no domain"),
        (
            "[[target]]\nlink = 7\ndomain = 'https://vvd.bz'\n",
            "target 1: a link's id is text in quotes, not 7",
        ),
        (f"[[target]]\nlink = ' a'\ndomain = '{BZ}'\n", "target 1: ' a' begins or ends with a blank"),
        (f"[[target]]\nlink = 'a\u200bb'\ndomain = '{BZ}'\n", r"target 1: .* U\+200B"),
        (
            f"domain = 'https://vvd.im'\n[[target]]\nlink = '{BZ}/a'\n",
            "target 1: .* is no link of https://vvd.im",
        ),
        ("[[target]]\ngroup = true\n", "target 1: a group is a number, not True"),
        ("[[target]]\ngroup = -7\n", "target 1: Group.idx must be"),
        ("[[target]]\naccount = false\n", "target 1: a target is one of"),
        ("[[target]]\n", "target 1: a target is one of"),
        ("[[target]]\ntarget = 7\n", "target 1: a target is one of"),
        ("a = " + "[" * 9999, ""),
    ],
)
def test_a_mistake_in_toml_is_an_error_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    """The error names the file, the number of the target, and the fault."""
    path = written(tmp_path, text, "targets.toml")
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}.*{problem}"):
        read_targets(path)


def test_targets_have_first_days(tmp_path: Path) -> None:
    """The column may be empty, and a target that is named twice needs it only once."""
    text = f"link,domain,group,since\na,{BZ},,2025-03-01\n,,7,\na,{BZ},,\nb,{BZ},,\nb,{BZ},,2025-03-02\n"
    path = str(written(tmp_path, text))
    targets, since = parse("--link", "a", "--domain", BZ, "--targets", path).read_with_since()
    assert targets == (Link("a", BZ), Group(7), Link("b", BZ))
    assert since == {Link("a", BZ): dt.date(2025, 3, 1), Link("b", BZ): dt.date(2025, 3, 2)}


def test_two_first_days_of_a_target_are_a_mistake(tmp_path: Path) -> None:
    """The error names both, and the line of the second."""
    path = written(tmp_path, "group,since\n7,2025-03-01\n7,2025-03-02\n")
    with pytest.raises(UsageError, match=":3: group 7 has another first day before: 2025-03-01"):
        parse("--targets", str(path)).read()


def test_a_first_day_in_the_future_is_a_mistake(tmp_path: Path) -> None:
    """Else nothing would be requested of the target, and nothing said; the error names it and its line."""
    path = written(tmp_path, "group,since\n7,9999-01-01\n")
    with pytest.raises(UsageError, match=":2: the first day of group 7 is in the future: 9999-01-01"):
        parse("--targets", str(path)).read()


def test_first_days_in_toml(tmp_path: Path) -> None:
    """They are dates, with or without quotes, and a url is a target there, too."""
    text = f"[[target]]\nurl = '{BZ}/a'\nsince = 2025-03-01\n[[target]]\ngroup = 7\nsince = '2025-03-02'\n"
    path = written(tmp_path, text, "targets.toml")
    _, since = parse("--targets", str(path)).read_with_since()
    assert since == {Link("a", BZ): dt.date(2025, 3, 1), Group(7): dt.date(2025, 3, 2)}


def test_targets_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is the standard input: a CSV or a plain list; mistakes name it."""
    for text in (f"{BZ}/a\n{BZ}/b\n", f"link,domain\na,{BZ}\nb,{BZ}\n"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert parse("--targets", "-").read() == (Link("a", BZ), Link("b", BZ))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"group\nx\n")))
    with pytest.raises(UsageError, match=r"^stdin:2: a group is a number"):
        parse("--targets", "-").read()
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="stdin cannot be read: it is closed"):
        parse("--targets", "-").read()


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """A file that cannot be read is an error in a sentence."""
    with pytest.raises(UsageError, match="cannot be read: "):
        read_targets(tmp_path / "none.csv")
