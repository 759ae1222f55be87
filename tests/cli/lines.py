"""Random command lines, with the meaning of each word: good, odd, contradicting, given twice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from hourlyclicks import Account, Group, Link, Target

if TYPE_CHECKING:
    from random import Random

BZ, IM = "https://vvd.bz", "https://vvd.im"
FIRST = dt.date(2025, 4, 1)

HELD = (Link("a", BZ), Link("b", BZ), Link("d", IM))
"""The targets in the store."""

_LINKS: tuple[tuple[str, Link | None], ...] = (
    ("a", Link("a", BZ)),
    ("b", Link("b", BZ)),
    (" a\t", Link("a", BZ)),
    ("한/글", Link("한/글", BZ)),
    ("%ED%95%9C", Link("%ED%95%9C", BZ)),
    (f"{BZ}/a", Link("a", BZ)),
    (f"{BZ}/%ED%95%9C", Link("한", BZ)),
    (f"{BZ}/a?x=1", None),
    (f"{IM}/a", None),
    ("vvd.bz/a", None),
    ("a\u200b", None),
    ("", None),
)
"""Values of ``--link`` beside ``--domain https://vvd.bz``, and what they mean; ``None``: nothing."""

_FILES: tuple[tuple[str, list[Target] | None], ...] = (
    (f"link,domain\na,{BZ}\nc,{BZ}\n", [Link("a", BZ), Link("c", BZ)]),
    (f"link,domain,group\n{IM}/d,,\n,,7\n a ,{BZ},\n", [Link("d", IM), Group(7), Link("a", BZ)]),
    (f'target,date\n"{BZ}/x\u2028y",2025-04-01\naccount,2025-04-01\n', [Link("x\u2028y", BZ), Account()]),
    (f"link;domain\na;{BZ}\n", None),
    (f"link,domain\n\u00a0a,{BZ}\n", None),
    (f"link,domain,link\na,{BZ},b\n", None),
    ("link,domain\n", None),
)
"""Lists of targets, and what they mean."""

_SUFFIXES = (
    ".csv",
    ".jsonl",
    ".ndjson",
    ".txt",
    "",
    ".parquet",
    ".xlsx",
    ".tsv",
    ".csv.gz",
    ".json",
    ".CSV",
    ".db",
)
_WRITTEN = {
    ".csv": "csv",
    ".CSV": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_ONCE = (
    ("--concurrency", "2"),
    ("--guard", "0"),
    ("--timezone", "Asia/Seoul"),
    ("--user-agent", "acme/1.0"),
)


@attrs.define
class CommandLine:
    """A command line.

    Args:
        words: its words.
        targets: what it names.
        days: the days it names.
        output: the file it names.
        form: the format of its output.
        wrong: what is wrong with it.
    """

    words: list[str]
    targets: list[Target] = attrs.field(factory=list)
    days: list[dt.date] = attrs.field(factory=list)
    output: Path | None = None
    form: str | None = None
    wrong: list[str] = attrs.field(factory=list)


def draw(random: Random, folder: Path, url: str) -> CommandLine:
    """Return a command line of ``fetch``, ``backfill`` or ``estimate``.

    Args:
        random: draws it.
        folder: where its files are.
        url: where the server is.
    """
    command = random.choices(("fetch", "backfill", "estimate"), (7, 2, 2))[0]
    line = CommandLine([command, "--limit", "100000/1"])
    if command != "estimate":
        line.words += ["--base-url", url]
    if command == "backfill" or random.random() < 0.15:
        line.words += ["--store", str(folder / "clicks.db")]
    _name_targets(line, random, folder)
    _name_days(line, random)
    if command == "fetch":
        _name_output(line, random, folder)
    for option, value in _ONCE[: -1 if command == "estimate" else None]:
        times = random.choices((0, 1, 2), (8, 3, 0.3))[0]
        line.words += [option, value] * times
        if times > 1:
            line.wrong.append(f"{option} twice")
    if random.random() < 0.05:
        line.words += ["--plan", "enterprise"]
        line.wrong.append("a plan and a limit")
    if random.random() < 0.05 and "--store" not in line.words:
        line.words += ["--account-name", "acme"]
        line.wrong.append("the name of an account without a store")
    return line


def draw_look(random: Random, folder: Path) -> CommandLine:
    """Return a command line of ``status`` or ``export`` for ``clicks.db``, which holds `HELD`.

    Args:
        random: draws it.
        folder: where its files are.
    """
    command = random.choice(("status", "export"))
    line = CommandLine([command, "--store", str(folder / "clicks.db")])
    for target in random.sample(HELD, random.choice((0, 1, 2))):
        line.targets.append(target)
        line.words += ["--link", f"{target.domain}/{target.id}"]
    line.days = [FIRST + dt.timedelta(days=place) for place in range(random.choice((1, 2, 3)))]
    line.words += ["--from", str(FIRST), "--to", str(line.days[-1])]
    form = random.choice((None, "json") if command == "status" else (None, "csv", "jsonl"))
    line.form = form or ("table" if command == "status" else "csv")
    line.words += [] if form is None else ["--format", form]
    if command == "export" and random.random() < 0.5:
        suffix = random.choice((".csv", ".jsonl", ".xlsx", ".parquet", ".csv.gz", "", ".txt", ".db"))
        line.output = folder / f"out{suffix}"
        line.words += ["-o", str(line.output)]
        meant = _WRITTEN.get(suffix) or {"": line.form, ".txt": form}.get(suffix)
        if meant is None or (form is not None and meant != form):
            line.wrong.append(f"{form} in {suffix}")
        line.form = meant
    twice = random.choice((None, None, None, "--store", "--to", "--format", "-o"))
    if twice in line.words:
        place = line.words.index(twice)
        line.words += line.words[place : place + 2]
        line.wrong.append(f"{twice} twice")
    return line


def _name_targets(line: CommandLine, random: Random, folder: Path) -> None:
    links = _name_links(line, random)
    for number in random.choices(range(9), k=random.choice((0, 0, 1, 2))):
        line.words += ["--group", str(number)]
        line.targets.append(Group(number))
    if random.random() < 0.2:
        line.words += ["--account"] * random.choice((1, 2))
        line.targets.append(Account())
    lists = random.choices((0, 1, 2), (6, 4, 0.4))[0]
    for _ in range(lists):
        _name_list(line, random, folder)
    if lists > 1:
        line.wrong.append("--targets twice")
    if "--domain" in line.words and not links and not lists:
        line.wrong.append("a domain of nothing")
    if not line.targets and (line.words[0] != "estimate" or "--store" in line.words):
        line.wrong.append("no target")


def _name_links(line: CommandLine, random: Random) -> list[str]:
    links = random.choices(_LINKS, (9, 9, 4, 4, 4, 4, 4, *[0.3] * 5), k=random.choice((0, 1, 1, 2, 3)))
    for text, link in links:
        line.words += ["--link", text]
        if link is None:
            line.wrong.append(f"the link {text!r}")
        else:
            line.targets.append(link)
    domains = random.choices(((), (BZ,), (BZ, BZ), (IM, BZ)), (1, 20, 1, 1))[0]
    for domain in domains if links or random.random() < 0.2 else ():
        line.words += ["--domain", domain]
    if line.words.count("--domain") > 1:
        line.wrong.append("--domain twice")
    if "--domain" not in line.words and any("://" not in text for text, _ in links):
        line.wrong.append("a link without a domain")
    return [text for text, _ in links]


def _name_list(line: CommandLine, random: Random, folder: Path) -> None:
    text, meant = random.choices(_FILES, (4, 1, 4, *[0.4] * 4))[0]
    (folder / "targets.csv").write_text(text, "utf-8")
    line.words += ["--targets", str(folder / "targets.csv")]
    if meant is None or (IM in text and "--domain" in line.words):
        line.wrong.append(f"the list {text!r}")
    else:
        line.targets += meant


def _name_days(line: CommandLine, random: Random) -> None:
    number = random.choice((1, 2, 3))
    line.days = [FIRST + dt.timedelta(days=place) for place in range(number)]
    words = ["--from", str(FIRST), "--to", str(line.days[-1])]
    if random.random() < 0.15:
        words, wrong = random.choice(
            (
                ([*words, "--to", "2025-04-09"], "--to twice"),
                ([*words, f"--from={FIRST}"], "--from twice"),
                ([*words, "--last", "3d"], "--last beside --from"),
                (words[:2], "no end"),
                (["--last", "3d", "--last", "4d"], "--last twice"),
                (["--from", "2025-04-31", *words[2:]], "no day"),
                (["--from", "2025-04-09", "--to", "2025-04-01"], "an end before the start"),
                (["--from", "2025-04-01", "--to", "9999-12-31"], "a day to come"),
            )[: -1 if line.words[0] == "estimate" else None]
        )
        line.wrong.append(wrong)
    line.words += words


def _name_output(line: CommandLine, random: Random, folder: Path) -> None:
    form = random.choice((None, "csv", "jsonl", "table"))
    if form is not None:
        line.words += ["--format", form]
    line.form = form or "table"
    kind = random.choices(
        ("none", "-", "file", "device", "folder", "nowhere", "twice", "input"), (6, 1, 9, 1, 1, 1, 1, 1)
    )[0]
    if kind == "-":
        line.words += ["-o", "-"]
    elif kind == "file":
        _name_file(line, random, folder, form)
    elif kind == "device":
        line.words += ["-o", "/dev/null"]
        line.output = folder.__class__("/dev/null")
    elif kind != "none":
        path = {"folder": folder, "nowhere": folder / "no" / "x.csv", "twice": folder / "a.csv"}.get(kind)
        line.words += ["-o", str(path or folder / "targets.csv")] * (2 if kind == "twice" else 1)
        line.output = path or folder / "targets.csv"
        if kind != "input" or "--targets" in line.words or form not in {None, "csv"}:
            line.wrong.append(f"the output: {kind}")
        line.form = "csv"


def _name_file(line: CommandLine, random: Random, folder: Path, form: str | None) -> None:
    suffix = random.choices(_SUFFIXES, (9, 5, 3, 3, *[1] * 8))[0]
    line.output = folder / f"clicks{suffix}"
    line.words += [random.choice(("-o", "--output")), str(line.output)]
    line.form = form or ("table" if suffix == ".txt" else _WRITTEN.get(suffix))
    if line.form is None or (suffix in _WRITTEN and line.form != _WRITTEN[suffix]):
        line.wrong.append(f"the format {form} in {suffix}")
    elif suffix not in {*_WRITTEN, ".txt", ""} and (suffix, form) != (".json", "jsonl"):
        line.wrong.append(f"the suffix {suffix}")
