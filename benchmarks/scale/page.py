"""Write the tables of ``docs/explanation/scale.md``: ``python -m benchmarks.scale.page``.

With the folder of a run of the benchmarks, its figures become the inputs first:
``python -m benchmarks.scale.page benchmark-results``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import ROOT
from benchmarks.report import Report, fill, machine_line
from benchmarks.scale.model import Inputs, blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = ROOT / "docs" / "explanation" / "scale.md"
_WAY = "`run_jobs`, two processes"


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Run the command."""
    if arguments:
        document = json.loads((Path(arguments[0]) / "results.json").read_text("utf-8"))
        inputs_of(Report.from_json(document)).save()
    PAGE.write_text(filled(PAGE.read_text("utf-8"), Inputs.load()), "utf-8")


def inputs_of(report: Report) -> Inputs:
    """Return the inputs that a run of the benchmarks has measured.

    Raises:
        ValueError: this part was not run, or only quickly.
    """
    part = report.parts.get("scale")
    if part is None or part.quick:
        raise ValueError("the results have no full run of the part `scale`")
    figures = part.section.figures
    run, stored = figures["ways"][_WAY], figures["storing"]
    days, load = run["days"], run["load"]
    return Inputs(
        when=part.when,
        machine=machine_line(report.machine),
        worker=run["processor"] / days,
        database=load["processor"] / days,
        commits=load["commits"] / days,
        statements=load["statements"] / days,
        wal=load["wal"] / days,
        stored=stored["stored"],
        indexes=stored["indexes"],
        waiting=figures["waiting"]["bytes"],
        disk=stored["commits"],
    )


def filled(page: str, inputs: Inputs) -> str:
    """Return a page with each table between its markers, such as ``<!-- year -->`` and ``<!-- /year -->``.

    Raises:
        MarkerError: a marker is missing or doubled.
    """
    return fill({"page": page}, dict(blocks(inputs)))["page"]


if __name__ == "__main__":
    main()
