"""What a benchmark says: tables for people, figures for programs, and claims that may turn out false."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@attrs.frozen
class Table:
    """Rows of text under a head.

    Args:
        title: what the figures are, and of what unit.
        head: the names of the columns; the first one names the rows.
        rows: a cell for each column.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown, figures flush right."""
        ruler = ["---", *["---:"] * (len(self.head) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.head, ruler, *self.rows)]
        title = self.title.replace("*", "\\*")
        return "\n".join([f"**{title}**", "", *lines])


@attrs.frozen
class Claim:
    """One figure that was measured, and the bound it has to keep.

    Args:
        text: what is claimed, without figures.
        measured: what was seen.
        bound: what it may be.
        at_least: whether the bound is a lower one.
    """

    text: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure keeps the bound."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table of claims."""
        sign = "≥" if self.at_least else "≤"
        verdict = "holds" if self.holds else "**missed**"
        return self.text, f"{self.measured:,.4g}", f"{sign} {self.bound:,.4g}", verdict


@attrs.frozen
class Section:
    """What one part of the benchmarks found.

    Args:
        tables: for people.
        claims: what had been claimed, and what was seen.
        figures: everything that was measured, as JSON has it; the plots are drawn from this.
        remarks: what a reader must know beside it, a sentence each: what could not be run, and why.
        summary: what it means for a user, a sentence each.
    """

    tables: tuple[Table, ...] = ()
    claims: tuple[Claim, ...] = ()
    figures: dict[str, Any] = attrs.field(factory=dict)
    remarks: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return tables, claims and remarks in Markdown."""
        parts = [table.markdown() for table in self.tables]
        if self.claims:
            head = ("claim", "measured", "bound", "")
            parts.append(Table("Claims", head, tuple(claim.row() for claim in self.claims)).markdown())
        if self.remarks:
            parts.append("\n".join(f"- {remark}" for remark in self.remarks))
        return "\n\n".join(parts)


NO_MEMORY = Section(remarks=("Memory was not measured: this system has no `/proc`.",))


def spread(values: Iterable[float], form: str) -> str:
    """Return the median, and the least and the greatest of some values in brackets, each in a form."""
    ordered = sorted(values)
    return f"{statistics.median(ordered):{form}} ({ordered[0]:{form}}–{ordered[-1]:{form}})"


def joined(parts: Mapping[str, Section]) -> Section:
    """Make one section of several; the figures of each stand under its name."""
    sections = parts.values()
    return Section(
        tables=tuple(table for section in sections for table in section.tables),
        claims=tuple(claim for section in sections for claim in section.claims),
        figures={part: section.figures for part, section in parts.items()},
        remarks=tuple(remark for section in sections for remark in section.remarks),
        summary=tuple(line for section in sections for line in section.summary),
    )
