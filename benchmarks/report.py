"""All that one run of the benchmarks found, as JSON for programs and as Markdown for people."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from cattrs import Converter

from benchmarks.peers.measured import LIBRARIES as PEERS
from benchmarks.peers.measured import versions
from benchmarks.results import Section

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PARTS = ("peers", "pacing", "footprint", "store", "scale", "micro")
LIBRARIES = ("hourlyclicks", *PEERS, "aiolimiter", "pyrate-limiter", "asyncpg", "pandas")
"""Those whose versions may move a figure."""
SHOWN = {
    "days-a-second": "Days a second of each contender against the requests under way: medians and ranges",
    "processor-time": "Processor time of a day for each contender, in user space and in the kernel",
    "makespan-and-refusals": "Time of each contender against what is rejected of it, a panel for each server",
    "memory-against-days": "Growth of a process against the days it fetched, ours and by hand",
}
"""What can be seen on each plot, for those who cannot."""

_converter = Converter()


class MarkerError(Exception):
    """There is no place, or more than one, for the results of a part."""


@attrs.frozen
class Part:
    """What one part found.

    Args:
        when: when it was run, as ISO 8601 in UTC.
        quick: whether with fewer days and rounds.
        section: what it found.
    """

    when: str
    quick: bool
    section: Section

    def marked(self, differing: str) -> Part:
        """Return it with a remark that something was different when it was run."""
        remark = f"Measured on {self.when}, when this was different: {differing}."
        remarks = dict.fromkeys((*self.section.remarks, remark))
        return attrs.evolve(self, section=attrs.evolve(self.section, remarks=tuple(remarks)))


@attrs.frozen
class Report:
    """What all parts found that were run.

    Args:
        when: when the latest of them were run, as ISO 8601 in UTC.
        machine: on what they were run, as `machine` has it.
        parts: what they found, by name.
        failed: the errors of those that could not be run to their end, by name.
    """

    when: str
    machine: dict[str, Any]
    parts: dict[str, Part] = attrs.field(factory=dict)
    failed: dict[str, str] = attrs.field(factory=dict)

    @property
    def missed(self) -> list[str]:
        """The claims that do not hold, in words."""
        return [
            f"{name}: {claim.text}: {claim.measured:.4g}"
            for name, part in self.in_order()
            for claim in part.section.claims
            if not claim.holds
        ]

    def in_order(self) -> Iterator[tuple[str, Part]]:
        """Yield the parts in the order of a whole run."""
        return ((name, self.parts[name]) for name in PARTS if name in self.parts)

    def on(self, machine: Mapping[str, Any], when: str) -> Report:
        """Return a report to add to that has all parts of this one.

        What was measured on another machine, or with other versions, is marked by a remark.
        """
        differing = ", ".join(key for key, value in machine.items() if self.machine.get(key) != value)
        parts = {name: part.marked(differing) if differing else part for name, part in self.parts.items()}
        return Report(when, dict(machine), parts, self.failed)

    def having(self, name: str, part: Part) -> Report:
        """Return it with what a part found, in place of what was known of it."""
        failed = {other: error for other, error in self.failed.items() if other != name}
        return attrs.evolve(self, parts=self.parts | {name: part}, failed=failed)

    def lacking(self, name: str, error: str) -> Report:
        """Return it without a part that could not be run."""
        parts = {other: part for other, part in self.parts.items() if other != name}
        return attrs.evolve(self, parts=parts, failed=self.failed | {name: error})

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; `from_json` reads it again."""
        document: dict[str, Any] = _converter.unstructure(self)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Report:
        """Read what `to_json` wrote."""
        return _converter.structure(document, cls)

    def markdown(self, plots: Mapping[str, Collection[str]]) -> str:
        """Return the whole report in Markdown.

        Args:
            plots: the files of the plots by the part they belong to, as a link from the report has them.
        """
        libraries = ", ".join(f"{name} {number}" for name, number in self.machine["libraries"].items())
        blocks = ["# Benchmarks", self.summary(), f"{machine_line(self.machine)} With {libraries}."]
        blocks += [
            f"## {name}\n\n{part_markdown(self, name, plots.get(name, ()))}" for name, _ in self.in_order()
        ]
        return "\n\n".join([*blocks, "## Verdict", self.verdict()]) + "\n"

    def summary(self) -> str:
        """Return what all of it means for a user, as a list in Markdown."""
        return "\n".join(f"- {line}" for _, part in self.in_order() for line in part.section.summary)

    def verdict(self) -> str:
        """Name all claims that were missed and all parts that failed."""
        number = sum(len(part.section.claims) for part in self.parts.values())
        lines = [f"- missed: {claim}" for claim in self.missed]
        lines += [f"- failed: {name}: {error}" for name, error in self.failed.items()]
        held = f"{number - len(self.missed)} of {number} claims hold."
        return "\n".join([held, *(["", *lines] if lines else [])])


def part_markdown(report: Report, name: str, plots: Collection[str]) -> str:
    """Return what one part found in Markdown: when it was run, its plots, its tables."""
    part = report.parts[name]
    blocks = [f"Measured on {part.when}{', a quick run' if part.quick else ''}."]
    blocks += [f"![{SHOWN.get(Path(plot).stem, Path(plot).stem)}]({plot})" for plot in plots]
    return "\n\n".join([*blocks, part.section.markdown()])


def fill_pages(
    pages: Mapping[str, str], report: Report, plots: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """Return pages with what each part found between its markers, in place of what stood there.

    A part has a pair of them on one page, such as ``<!-- peers -->`` and ``<!-- /peers -->``. Parts that are
    not in the report keep what they have. The summary takes sentences from several parts, so it needs all of
    them.

    Args:
        pages: the texts of the pages, by their names.
        report: what was found.
        plots: the files of the plots by the part they belong to, as a link from its page has them.

    Raises:
        MarkerError: a marker is missing or doubled.
    """
    where = machine_line(report.machine) if report.machine else ""
    fillings = {
        name: f"{where}\n\n{part_markdown(report, name, plots.get(name, ()))}" for name in report.parts
    }
    if fillings.keys() == set(PARTS):
        fillings["summary"] = report.summary()
    return fill(pages, {name: fillings.get(name) for name in ("summary", *PARTS)})


def fill(pages: Mapping[str, str], texts: Mapping[str, str | None]) -> dict[str, str]:
    """Return pages with texts between the markers of their names; ``None``: what stands there is kept.

    Raises:
        MarkerError: a marker is missing or doubled.
    """
    filled = dict(pages)
    for name, text in texts.items():
        first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
        pieces = {page: re.split(f"({first}|{last})", before) for page, before in filled.items()}
        match [(page, found) for page, found in pieces.items() if len(found) > 1]:
            case [(page, [before, *between, after])] if (between[0], *between[2:]) == (first, last):
                if text is not None:
                    filled[page] = f"{before}{first}\n\n{text}\n\n{last}{after}"
            case _:
                raise MarkerError(f"no page has {first} and {last} once each, or more than one has them")
    return filled


def machine() -> dict[str, Any]:
    """Describe this machine: processor, cores, kernel, Python, libraries."""
    import pyperf  # noqa: PLC0415 - only where something is measured

    known = pyperf.Run([1.0]).get_metadata()
    return {
        "cpu": known.get("cpu_model_name", platform.machine()),
        "cores": known["cpu_count"],
        "kernel": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": dict(versions(LIBRARIES)),
    }


def machine_line(described: Mapping[str, Any]) -> str:
    """Return what `machine` tells, apart from the libraries."""
    return f"{described['cpu']}, {described['cores']} cores; {described['kernel']}; {described['python']}."
