"""Run the benchmarks: ``python -m benchmarks``, in a clone of the repository."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import sys
import time
import traceback
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import plots
from benchmarks.report import PARTS, MarkerError, Part, Report, fill_pages, machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.results import Section

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("benchmarks.md", "benchmarks/figures.md")
FIGURES = "benchmarks"
"""The folder of the page with the tables; the plots are there as well."""


class Exit(IntEnum):
    """How the command ends."""

    HELD = 0
    MISSED = 1
    FAILED = 2


def main(arguments: Sequence[str] | None = None, docs: Path = DOCS) -> int:
    """Run the command.

    Args:
        arguments: those of the command line when left out.
        docs: the folder of the documentation, for ``--docs``.

    Returns:
        The exit code: one of `Exit`.
    """
    options = _options()
    given = options.parse_args(arguments)
    if given.docs and (given.quick or given.only):
        options.error("--docs measures nothing, so it goes with neither --quick nor --only")
    if given.docs:
        return _document(given.into, docs)
    earlier = _load(given.into) if given.only else None
    report = _measure(given.only or PARTS, quick=given.quick, into=given.into, earlier=earlier)
    _publish(report, given.into)
    if report.failed:
        return Exit.FAILED
    return Exit.MISSED if report.missed else Exit.HELD


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run the benchmarks. The report goes to standard output, progress to standard error.",
        epilog="Exit code: 0 when every claim holds, 1 when one is missed, 2 when a part could not be run.",
    )
    options.add_argument(
        "--quick", action="store_true", help="take a few minutes: fewer days, rounds and contenders"
    )
    options.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"run these parts only ({', '.join(PARTS)}); the results of the others in FOLDER are kept",
    )
    options.add_argument(
        "--into",
        type=Path,
        default=Path("benchmark-results"),
        metavar="FOLDER",
        help="where results.json, results.md and the plots are written (default: %(default)s)",
    )
    options.add_argument(
        "--docs",
        action="store_true",
        help=f"measure nothing; put the results in FOLDER into docs/{PAGES[0]} and docs/{PAGES[1]}",
    )
    return options


def _say(line: str) -> None:
    """Tell the progress."""
    print(line, file=sys.stderr, flush=True)


def _measure(names: Sequence[str], *, quick: bool, into: Path, earlier: Report | None) -> Report:
    """Run parts in the order of a whole run; what each found is saved at once, for the next may take long."""
    described, when = machine(), _now()
    report = Report(when, described) if earlier is None else earlier.on(described, when)
    for name in PARTS:
        if name not in names:
            continue
        began = time.monotonic()
        _say(f"{name}: begins")
        try:
            section = _run(name, quick=quick)
        except Exception as error:  # noqa: BLE001 - whatever one part dies of, the others are run
            _say(traceback.format_exc())
            report = report.lacking(name, f"{type(error).__name__}: {error}")
        else:
            report = report.having(name, Part(_now(), quick, section))
        _save(report, into)
        _say(f"{name}: ends after {time.monotonic() - began:.0f} s")
    return report


def _run(name: str, *, quick: bool) -> Section:
    part = importlib.import_module(f"benchmarks.{name}.measure")
    section: Section = part.measure(quick=quick, say=lambda line: _say(f"{name}: {line}"))
    return section


def _publish(report: Report, folder: Path) -> None:
    """Draw the plots, and write and print the report."""
    pictures = _pictures(report)
    _hang(pictures, folder)
    text = report.markdown(pictures)
    (folder / "results.md").write_text(text, encoding="utf-8")
    print(text, end="")


def _document(folder: Path, docs: Path) -> int:
    """Put what was measured before into the documentation."""
    report = _load(folder)
    if report is None:
        _say(f"{folder / 'results.json'} does not exist: run the benchmarks first")
        return Exit.FAILED
    pictures = _pictures(report)
    try:
        pages = {name: (docs / name).read_text(encoding="utf-8") for name in PAGES}
        filled = fill_pages(pages, report, pictures)
    except (OSError, MarkerError) as error:
        _say(str(error))
        return Exit.FAILED
    _hang(pictures, docs / FIGURES)
    for name, text in filled.items():
        (docs / name).write_text(text, encoding="utf-8")
    return Exit.HELD


def _pictures(report: Report) -> dict[str, dict[str, bytes]]:
    """Draw the plots of all parts: the pictures by part and by file name."""
    return {name: plots.draw(name, part.section.figures) for name, part in report.in_order()}


def _hang(pictures: Mapping[str, Mapping[str, bytes]], folder: Path) -> None:
    """Write pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for files in pictures.values():
        for file, picture in files.items():
            (folder / file).write_bytes(picture)


def _load(folder: Path) -> Report | None:
    """Return the results in a folder, if there are any."""
    path = folder / "results.json"
    return Report.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _save(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.to_json(), indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(f"{text}\n", encoding="utf-8")


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
